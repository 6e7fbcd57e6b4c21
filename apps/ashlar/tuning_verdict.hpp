// apps/ashlar/tuning_verdict.hpp - which of the mallocs that a program was run under it should have, and what that gains.
//
// Layer:      apps/ashlar
// Picture:    runs of each kind -> each against the default -> the best of those that gain, or the default
//                                -> that one against the best of the mallocs that are not ours
// Complexity: linear in the runs.
// Failure:    none.
// Threads:    any.
// Checked by: tests/tool/tune_test.py
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ashlar/observe/advice_trial.hpp"
#include "trials.hpp"

namespace ashlar::app {

struct tuning_verdict {
    std::size_t choice = 0;             ///< among the kinds; the best of those that were tried if none is adopted
    bool adopted = false;
    std::vector<trial_result> results;  ///< each kind against the first
    std::string text;
    std::size_t ours = 0;               ///< our malloc, as it was best for the goal; 0 if it was not tried
    std::string against_others;         ///< a sentence on that and the best of the others
    nlohmann::json others;              ///< the same as figures
};

/// `ours` tells for each kind whether it is our malloc; the first is the default.
tuning_verdict judge_kinds(advice_goal goal, const std::vector<trial_kind>& kinds, const std::vector<bool>& ours);

/// "wall time 0.950x, ... of the default's"
std::string ratios_text(const trial_result& result);

std::string verdict_table(const std::vector<trial_kind>& kinds, const tuning_verdict& verdict);

/// The "metrics" of a page's "tune" section.
nlohmann::json metrics_json(const std::vector<trial_kind>& kinds, const tuning_verdict& verdict);

}  // namespace ashlar::app
