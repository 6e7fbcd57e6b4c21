// apps/ashlar/progress.hpp - one line on the terminal that says what is being done, once it takes long.
//
// Layer:      apps/ashlar
// Complexity: a clock reading a call; a write at most ten times a second.
// Failure:    none; where standard error is no terminal nothing is ever written.
// Threads:    main's thread.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <chrono>
#include <string>

namespace ashlar::app {

class progress {
public:
    explicit progress(const std::string& what);
    ~progress();  ///< takes the line away
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void show(const std::string& detail, double share);

private:
    using clock = std::chrono::steady_clock;
    std::string what_;
    clock::time_point began_;
    clock::time_point shown_;
    bool terminal_;
    bool written_ = false;
};

}  // namespace ashlar::app
