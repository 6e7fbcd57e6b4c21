// apps/ashlar/site_advice.hpp - rules for call sites, chosen by replaying the trace with them.
//
// Layer:      apps/ashlar
// Picture:    proposed routes -> each alone against our malloc without any -> those that gain -> together, against it again
// Complexity: a replay for each route, and two more.
// Failure:    throws what replays and readers throw.
// Threads:    main's thread.
// Checked by: tests/tool/sites_advised_test.py
#pragma once

#include <string>
#include <vector>

#include "advisor.hpp"

namespace ashlar::app {

struct site_advice {
    std::vector<std::string> settings;        ///< lines of a conf, behind those that it was given; none: no rule gains
    std::vector<advice_sentence> sentences;   ///< what was looked at, and why each rule is there
    double time_ratio = 1;                    ///< of an operation, against our malloc with the same options, looking up included
    double memory_ratio = 1;
};

/// `settings` are the options that the rules come beside.
site_advice advise_sites(const advice_input& input, const std::vector<std::string>& settings, const advice_settings& how,
                         const replay_progress& progress);

}  // namespace ashlar::app
