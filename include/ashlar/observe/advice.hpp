// ashlar/observe/advice.hpp - choose the malloc for a program from what its replays cost.
//
// Layer:      observe
// Source:     Kanev et al., "Profiling a warehouse-scale computer", ISCA 2015 (the share of malloc bounds the gain);
//             Berger, Zorn, McKinley, "Reconsidering custom memory allocation", OOPSLA 2002 (most need no change).
// Picture:    candidate 0 is what the program has now; each other one must be admissible and gain enough:
//             replayed cost -> ratios to candidate 0 -> score by goal -> the least score, or candidate 0
// Complexity: linear in the candidates.
// Failure:    a candidate that did not serve the trace is never chosen; with none left, candidate 0 is.
// Threads:    pure functions.
// Invariants: advice.I1  the choice is admissible, or candidate 0
//             advice.I2  candidate 0 is kept unless the choice gains at least the goal's least gain
// Checked by: tests/observe/advice_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ashlar {

enum class advice_goal : std::uint8_t { balanced, speed, memory, latency };

constexpr std::string_view name(advice_goal goal) noexcept {
    constexpr std::string_view names[] = {"balanced", "speed", "memory", "latency"};
    return names[static_cast<std::size_t>(goal)];
}

/// What a replay of the trace cost on one malloc.
struct advice_candidate {
    bool served = true;
    double ns_per_op = 0;
    double ns_spread = 0;         ///< median absolute deviation of ns_per_op
    double p999 = 0;              ///< nanoseconds; 0 if not measured
    double footprint = 0;         ///< bytes at its greatest, those of the malloc itself included
};

struct advice_case {
    advice_goal goal = advice_goal::balanced;
    double steps = 0;             ///< operations replayed
    double run_ns = 0;            ///< processor time that the program took for them
    double run_bytes = 0;         ///< its peak resident memory; 0 if not known: then only that of the heap is compared
    std::vector<advice_candidate> candidates;  ///< the first is what the program has now
};

/// A candidate against the first one: below 1 is better.
struct advice_ratios {
    double run = 1;               ///< expected run time of the whole program
    double memory = 1;            ///< peak resident memory of the whole program, or that of the heap
    double tail = 1;              ///< p99.9 of an operation
    double score = 1;             ///< what the goal makes of them
    bool admissible = false;      ///< served the trace, and none of them is worse than the tolerance
};

struct advice_choice {
    std::size_t choice = 0;
    double malloc_share = 0;      ///< of the run time, on what the program has now
    double least_gain = 0;        ///< of the goal, to leave candidate 0
    std::vector<advice_ratios> ratios;  ///< in the candidates' order
};

/// How much worse than candidate 0 a choice may be in what the goal does not ask for.
struct advice_tolerance {
    double run = 1.01;
    double memory = 1.05;
    double added_bytes = 4 << 20;  ///< so little more memory nobody minds, whatever share of a small program it is
    double tail = 1.25;
};

/// @pre the case has a candidate
advice_choice choose(const advice_case& about, const advice_tolerance& tolerance = {});

}  // namespace ashlar
