// apps/ashlar/installation.hpp - the files that were built or installed together with this tool.
//
// Layer:      apps/ashlar
// Picture:    PREFIX/bin/ashlar   PREFIX/lib/libashlar-malloc.so   (or PREFIX/<library folder>/...)
// Complexity: a few system calls.
// Failure:    throws app::failure naming the file that is missing and where it was looked for.
// Threads:    main's thread.
// Checked by: tests/tool/run_test.py
#pragma once

#include <string>

namespace ashlar::app {

/// @returns the absolute path of this executable
std::string own_executable();

inline constexpr const char* our_malloc = "libashlar-malloc.so";
/// The same, which obeys rules about call sites.
inline constexpr const char* our_obeying_malloc = "libashlar-malloc-obey.so";
/// The usual one with the fast paths of `harden` = 1.
inline constexpr const char* our_hardened_malloc = "libashlar-malloc-hardened.so";
inline constexpr const char* our_recorder = "libashlar-record.so";
/// Tells at exit how deep each thread went.
inline constexpr const char* our_stack_watcher = "libashlar-stacks.so";

/// @returns the absolute path of a library that belongs to this tool
std::string own_library(const std::string& file);
bool has_own_library(const std::string& file);
/// @returns the path of the malloc that does what the text of a conf says
std::string own_malloc_for(const std::string& conf);

/// @returns the path of the small program that starts what is measured
std::string launcher();

}  // namespace ashlar::app
