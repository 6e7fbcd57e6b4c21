// apps/ashlar/chains.hpp - chains of reallocations, as JSON and in the terminal.
//
// Layer:      apps/ashlar
// Complexity: linear in what is shown.
// Failure:    none but std::bad_alloc; any bytes may be in names.
// Threads:    any.
// Checked by: tests/tool/findings_test.py
//
// A null `view` means that the trace has no call stacks: places are then left out. The keys are docs/report.md.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "ashlar/observe/summary.hpp"
#include "stack_view.hpp"

namespace ashlar::app {

void add_chains(nlohmann::json& to, const summary& s, const stack_view* view);
/// The longest chains; "" if nothing was reallocated more than once.
std::string chains_text(const summary& s, const stack_view* view);

}  // namespace ashlar::app
