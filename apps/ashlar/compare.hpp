// apps/ashlar/compare.hpp - two traces beside each other: which figures changed, and which call sites grew or shrank.
//
// Layer:      apps/ashlar
// Complexity: linear in the call sites, but for a sort.
// Failure:    none but std::bad_alloc; any bytes may be in names.
// Threads:    any.
// Checked by: tests/tool/compare_test.py
//
// A call site of one trace is that of the other if function and file have the same names: lines and addresses move from one
// build to the next, folders from one machine to another.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sites.hpp"
#include "study.hpp"

namespace ashlar::app {

/// The key `difference` of docs/report.md.
nlohmann::json difference_json(const study& before, const study& now);
/// Figures that differ, and at most `most` call sites, those first that changed most by the measure.
std::string difference_text(const study& before, const study& now, const measure& by, std::size_t most);

}  // namespace ashlar::app
