// apps/ashlar/process.hpp - start a program, pass signals on to it, and leave as it left.
//
// Layer:      apps/ashlar
// Source:     POSIX.1-2017 posix_spawn, waitpid, sigwaitinfo.
// Complexity: a system call per signal and per child.
// Failure:    throws app::failure, with 126 or 127 where the program cannot be started.
// Threads:    one at a time; a running process is waited for by the thread that started it.
// Checked by: tests/tool/run_test.py, tests/tool/record_test.py
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "environment.hpp"

namespace ashlar::app {

/// How a process ended.
struct ending {
    bool by_signal = false;
    int number = 0;  ///< of the signal, or the exit status

    bool good() const { return !by_signal && number == 0; }
    friend bool operator==(const ending&, const ending&) = default;
};

/// @returns "exit status 3" or "killed by signal 9 (Killed)"
std::string describe(const ending& how);

/// Becomes the program; returns never.
[[noreturn]] void become(const std::string& path, const std::vector<std::string>& arguments, environment& variables);

/// How a child is started. A descriptor of -1 leaves the child ours.
struct start_options {
    int input = -1;
    int output = -1;
    int error = -1;
    std::vector<std::pair<int, int>> descriptors;  ///< (ours, the child's number), beyond 0, 1 and 2
    bool in_our_place = true;  ///< signals sent to us are for it: they are kept for wait_and_forward
};

/// @returns the process id of the program
pid_t start(const std::string& path, const std::vector<std::string>& arguments, environment& variables,
            const start_options& options = {});

/// Waits for the child. Signals that are sent to this process meanwhile go on to the child; those that a
/// terminal sends reach it by themselves.
ending wait_and_forward(pid_t child);

/// Waits for a child that was not started in our place; one that takes longer is killed.
ending wait_at_most(pid_t child, std::uint64_t milliseconds);

/// Ends this process as `how` says, so that our parent sees what the program's parent would have seen.
[[noreturn]] void leave_like(const ending& how);

}  // namespace ashlar::app
