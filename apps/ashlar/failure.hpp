// apps/ashlar/failure.hpp - why a command cannot go on: one sentence for the user, and the status to leave with.
//
// Layer:      apps/ashlar
// Complexity: a value, thrown; main() alone catches it.
// Failure:    it is the failure.
// Threads:    a value.
// Checked by: tests/tool/bad_input_test.py
#pragma once

#include <stdexcept>
#include <string>

namespace ashlar::app {

/// Exit statuses, as shells and env(1) use them.
enum status : int {
    done = 0,
    failed = 1,          ///< the work could not be done
    wrong_use = 2,       ///< the command line or the conf is wrong; nothing was begun
    not_executable = 126,
    not_found = 127,
};

class failure : public std::runtime_error {
public:
    failure(int status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
    int status() const noexcept { return status_; }

private:
    int status_;
};

}  // namespace ashlar::app
