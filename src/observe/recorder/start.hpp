// src/observe/recorder/start.hpp - where this process records to.
//
// Layer:      observe
// Source:     docs/trace_format.md, files.
// Picture:    ASHLAR_TRACE=T   the first process: T;  every other: T.PID
//             after exec       the same process: its earlier file moves to T.1, T.2, ... and T is the new program's
// Complexity: some twenty system calls, once per process.
// Failure:    no file: one sentence on standard error, and the program runs on unrecorded.
// Threads:    one at a time.
// Invariants: start.I1  a file that exists is never emptied or written over: another process may be writing to it by
//                       memory, and would die of a shorter file
// Checked by: tests/observe/recorder
#pragma once

#include "../trace_file.hpp"

namespace ashlar::recorder {

enum class start_result : std::uint8_t {
    on,
    off,        ///< nothing to record to, now and later
    too_early,  ///< the C library has not read the environment yet
};

/// ASHLAR_TRACE_STACKS: how many frames of a stack are kept; 0 without it.
std::uint32_t wanted_stack_depth() noexcept;

/// ASHLAR_TRACE_SAMPLE: bytes between samples; 0 without it: everything is recorded.
std::uint64_t wanted_sample_mean() noexcept;

/// Opens the process's trace. forked: an earlier recording of the process this one was forked from is under way.
start_result open_trace(trace_file& file, bool forked) noexcept;

}  // namespace ashlar::recorder
