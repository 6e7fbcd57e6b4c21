// apps/ashlar/environment.hpp - the environment a program is started with: ours, with a few variables changed.
//
// Layer:      apps/ashlar
// Complexity: O(variables).
// Failure:    throws app::failure where a path cannot be written in LD_PRELOAD (it has a blank or a colon).
// Threads:    main's thread.
// Checked by: tests/tool/run_test.py
#pragma once

#include <string>
#include <vector>

namespace ashlar::app {

class environment {
public:
    /// That of this process.
    environment();

    /// "" if it is not set.
    std::string value(const std::string& name) const;
    void set(const std::string& name, const std::string& value);
    void remove(const std::string& name);
    /// Adds to a list that may be there already.
    void append(const std::string& name, char separator, const std::string& value);
    /// Puts a library before those that LD_PRELOAD names already.
    void preload(const std::string& library);

    /// For execve; valid until the next change.
    char* const* data();

private:
    std::vector<std::string> variables_;
    std::vector<char*> pointers_;
};

}  // namespace ashlar::app
