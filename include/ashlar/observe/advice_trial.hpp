// ashlar/observe/advice_trial.hpp - did the program itself gain? Runs of two kinds, compared by a stated rule.
//
// Layer:      observe
// Source:     Georges, Buytaert, Eeckhout, "Statistically rigorous Java performance evaluation", OOPSLA 2007;
//             Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974;
//             Arbuthnot, "An argument for divine providence", Phil. Trans. 27, 1710 (the sign test).
// Picture:    A B A B A B ...  ->  medians and their spread, pairs  ->  better, worse or the same, per metric  ->  verdict
// Complexity: linear in the runs.
// Failure:    fewer than two runs of a kind compare as the same.
// Threads:    pure functions.
// Invariants: advice_trial.I1  a metric is better or worse only beyond its least share, and beyond twice the greater spread or
//                             where the pairs of neighbouring runs agree as chance alone lets them once in fifty
// Checked by: tests/observe/advice_trial_test.cpp
#pragma once

#include <cstdint>
#include <vector>

#include "ashlar/observe/advice.hpp"

namespace ashlar {

/// One metric of the runs, in turn: one of `now`, one of `choice`, and again. Less is better.
struct trial_metric {
    std::vector<double> now;     ///< as the program is
    std::vector<double> choice;  ///< under what was advised
};

enum class trial_outcome : std::uint8_t { same, better, worse };

struct trial_comparison {
    double now_median = 0;
    double now_spread = 0;
    double choice_median = 0;
    double choice_spread = 0;
    trial_outcome outcome = trial_outcome::same;

    double ratio() const noexcept { return now_median > 0 ? choice_median / now_median : 1; }
};

/// Differences below `least` (a share of the median) count as the same however steady the runs are.
trial_comparison compare(const trial_metric& runs, double least = 0.01);

struct trial_result {
    trial_comparison wall;    ///< nanoseconds
    trial_comparison cpu;     ///< nanoseconds, user and system
    trial_comparison memory;  ///< bytes, peak resident
    bool adopt = false;       ///< better in what the goal asks for, and not worse elsewhere
};

/// Speed and latency ask for the wall time, or for the processor's where the wall time is not worse; memory for the peak;
/// balanced for either.
trial_result judge(advice_goal goal, const trial_metric& wall, const trial_metric& cpu, const trial_metric& memory);

}  // namespace ashlar
