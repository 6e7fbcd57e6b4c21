// apps/ashlar/replay_report.hpp - the figures of a replay as a table, and as JSON for --json and for the page.
//
// Layer:      apps/ashlar
// Complexity: linear in the engines.
// Failure:    none.
// Threads:    any.
// Checked by: tests/tool/replay_test.py
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "replay_run.hpp"

namespace ashlar::app {

/// One sentence on how the figures came about: touching, rounds, what was left out.
std::string replay_note(const replay_facts& facts, const replay_options& options);

/// By time, the least first; those that could not serve the trace last, with their reason.
std::string replay_table(std::vector<replay_figures> figures);

/// The figures of options.placement, by peak memory, the least first; after them a sentence on the bounds.
std::string fragmentation_table(std::vector<replay_figures> figures, const packing_bounds& packing);

/// Adds the same to what replay_json made, and the film of each engine.
void add_fragmentation(nlohmann::json& replay, const std::vector<replay_figures>& figures, const replay_facts& facts,
                       const packing_bounds& packing);

/// The "replay" section of a page (apps/viewer/README.md). `choice` "" marks no row.
nlohmann::json replay_json(const replay_facts& facts, const std::vector<replay_figures>& figures,
                           const replay_options& options, const std::string& choice);

}  // namespace ashlar::app
