// ashlar/src/malloc/guard.hpp - what is told of blocks between guard pages: when they are touched, and when they are misused.
//
// Layer:      malloc
// Picture:    first such block -> our handler of SIGSEGV, before the program's or the default one
//             fault in a slot's slice -> report -> the handler before ours; any other fault -> at once
// Complexity: nothing until there is such a block.
// Failure:    a program that sets a handler of its own later gets the faults; ours is then silent.
// Threads:    any; one report at a time.
// Checked by: tests/malloc/program/guarded.py
#pragma once

#include "process.hpp"

namespace ashlar::malloc {

extern const guard_watcher process_guard_watcher;
/// Sets the handler of faults, once.
void watch_faults() noexcept;

/// Where the block was granted and freed, if its calls were noted; else nothing.
void tell_calls(const void* block) noexcept;

}  // namespace ashlar::malloc
