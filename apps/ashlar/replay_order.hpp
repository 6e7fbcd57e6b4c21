// apps/ashlar/replay_order.hpp - what the tool tells a replay worker, and what the worker tells back.
//
// Layer:      apps/ashlar
// Picture:    ashlar replay-worker ENGINE PASS TOUCH MILLISECONDS STEPS    with these descriptors open:
//             3 script: facts, then steps, then streams   4 outcome   5 ticks: one number a step   6 conf of our malloc   7 sights
// Complexity: plain values.
// Failure:    an outcome that says `died` was never written: the worker did not get to its end.
// Threads:    the worker writes, the tool reads once the worker is gone.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <array>
#include <cstdint>

#include "ashlar/observe/heap_film.hpp"
#include "ashlar/observe/replay_check.hpp"
#include "ashlar/observe/replay_fragmentation.hpp"
#include "ashlar/observe/replay_script.hpp"

namespace ashlar::app {

/// A step that a route serves says so by an alignment that no program asks for: 2 to this and the route's number.
inline constexpr unsigned route_mark_shift = 32, most_routes_marked = 31;

inline constexpr const char* worker_command = "replay-worker";
inline constexpr int script_descriptor = 3;
inline constexpr int outcome_descriptor = 4;
inline constexpr int ticks_descriptor = 5;
inline constexpr int conf_descriptor = 6;
inline constexpr int sights_descriptor = 7;
/// The facts stand at the front; the steps begin on a page of their own.
inline constexpr std::size_t steps_offset = 4096;
static_assert(sizeof(replay_facts) <= steps_offset);

enum class replay_pass : std::uint32_t {
    time,       ///< the whole, in nanoseconds
    latency,    ///< each step, in ticks
    footprint,  ///< memory, at its greatest
    check,      ///< whether the blocks are right
    placement,  ///< where the blocks lie
};

enum class outcome_state : std::uint32_t { died = 0, done, refused, too_slow, faulty };

struct replay_outcome {
    outcome_state state = outcome_state::died;
    replay_fault fault = replay_fault::none;
    std::uint64_t step = 0;            ///< the first that was not done
    std::uint64_t nanoseconds = 0;      ///< of the processor
    std::uint64_t wall_nanoseconds = 0;
    std::uint64_t peak_footprint = 0;  ///< bytes
    std::uint64_t end_footprint = 0;   ///< bytes, after the last step
    std::uint64_t page_faults = 0;     ///< of the footprint pass
    double ns_per_tick = 0;
};

/// What was seen of one engine: `used` by its footprint pass, the rest by its placement pass, at the same looks.
struct replay_sights {
    static constexpr std::size_t look_limit = 1024;

    std::uint64_t looks = 0;
    std::array<replay_look, look_limit> look{};
    std::uint64_t lines_touched = 0;
    std::uint64_t lines_missed = 0;
    std::uint64_t lines_ever = 0;      ///< different ones
    std::uint64_t pages_ever = 0;
    std::uint64_t stayed = 0;          ///< reallocations that left the block where it was
    std::uint64_t moved = 0;
    heap_film film;
};

}  // namespace ashlar::app
