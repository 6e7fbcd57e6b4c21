// ashlar/observe/replay_streams.hpp - a script taken apart by threads: one of them alone, or all of them at once.
//
// Layer:      observe
// Source:     Delorie, glibc's malloc trace_run (threads wait for one another only where a block crosses).
// Picture:    serial    1 a0   2 a1   1 f0   2 f0'        (0': a block of slot 0 that thread 1 granted)
//             stream 1  a0 f0
//             stream 2  a1 [wait until stream 1 has done 1] f0'
// Complexity: linear in the steps; as_recorded keeps a number for each pair of streams besides.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: replay_streams.I1  a step on a block comes after the step before on that block, whoever does it
//             replay_streams.I2  waits follow the order of the script, so that no circle of them can close
// Checked by: tests/observe/replay_streams_test.cpp
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ashlar/observe/replay_script.hpp"

namespace ashlar {

/// Not done by a heap: the stream `slot` must have done `size` of its steps before this stream goes on.
inline constexpr replay_op replay_await = static_cast<replay_op>(4);

/// The part of the steps that one thread does.
struct replay_stream {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

struct replay_streams {
    std::vector<replay_step> steps;      ///< stream by stream
    std::vector<replay_stream> streams;  ///< in the order of their first steps
    std::uint64_t slots = 0;
    std::uint64_t awaits = 0;
};

/// Each thread's steps, in its order. A thread begins where it began, waits where a block or its slot crosses, and does not
/// run ahead of the slowest by more than some hundred steps of each.
/// Slots are numbered anew from `first_slot` on, so that few cross; litter may have those below.
replay_streams as_recorded(std::span<const replay_step> steps, std::uint64_t first_slot = 0);

/// The blocks of the thread with the most steps, from the request for each to its end, whoever ends it. What that thread
/// does with blocks of others is left out.
std::vector<replay_step> busiest_thread(std::span<const replay_step> steps);

}  // namespace ashlar
