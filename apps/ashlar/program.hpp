// apps/ashlar/program.hpp - find a program as a shell would, and see whether preloading can reach it.
//
// Layer:      apps/ashlar
// Source:     POSIX.1-2017 2.9.1.1 (command search), ELF gABI (PT_INTERP), ld.so(8) secure-execution mode.
// Complexity: a few system calls.
// Failure:    find_program throws: 127 if there is no such program, 126 if it cannot be executed.
// Threads:    main's thread.
// Checked by: tests/tool/run_test.py, tests/tool/bad_input_test.py
#pragma once

#include <string>

namespace ashlar::app {

/// @returns the path of the executable file that `name` means: itself if it has a slash, else from PATH
std::string find_program(const std::string& name);

/// Why LD_PRELOAD has no effect on the program, as a clause ("it is linked statically"); "" if it has one.
/// Follows the interpreter of a script.
std::string preload_obstacle(const std::string& path);

/// The dynamic loader that an executable file names; "" if it names none, or is no such file.
std::string loader_of(const std::string& path);

}  // namespace ashlar::app
