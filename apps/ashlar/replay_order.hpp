// apps/ashlar/replay_order.hpp - what the tool tells a replay worker, and what the worker tells back.
//
// Layer:      apps/ashlar
// Picture:    ashlar replay-worker ENGINE PASS TOUCH MILLISECONDS STEPS    with these descriptors open:
//             3 script: facts, then steps   4 outcome   5 ticks: one number a step   6 conf of our malloc
// Complexity: plain values.
// Failure:    an outcome that says `died` was never written: the worker did not get to its end.
// Threads:    the worker writes, the tool reads once the worker is gone.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <cstdint>

#include "ashlar/observe/replay_check.hpp"
#include "ashlar/observe/replay_script.hpp"

namespace ashlar::app {

inline constexpr const char* worker_command = "replay-worker";
inline constexpr int script_descriptor = 3;
inline constexpr int outcome_descriptor = 4;
inline constexpr int ticks_descriptor = 5;
inline constexpr int conf_descriptor = 6;
/// The facts stand at the front; the steps begin on a page of their own.
inline constexpr std::size_t steps_offset = 4096;
static_assert(sizeof(replay_facts) <= steps_offset);

enum class replay_pass : std::uint32_t {
    time,       ///< the whole, in nanoseconds
    latency,    ///< each step, in ticks
    footprint,  ///< memory, at its greatest
    check,      ///< whether the blocks are right
};

enum class outcome_state : std::uint32_t { died = 0, done, refused, too_slow, faulty };

struct replay_outcome {
    outcome_state state = outcome_state::died;
    replay_fault fault = replay_fault::none;
    std::uint64_t step = 0;            ///< the first that was not done
    std::uint64_t nanoseconds = 0;
    std::uint64_t peak_footprint = 0;  ///< bytes
    std::uint64_t end_footprint = 0;   ///< bytes, after the last step
    double ns_per_tick = 0;
};

}  // namespace ashlar::app
