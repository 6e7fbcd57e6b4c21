// apps/ashlar/layouts.hpp - the pages that blocks hold and the lines that threads share, as JSON and in the terminal.
//
// Layer:      apps/ashlar
// Complexity: linear in the layouts, which are bounded.
// Failure:    none but std::bad_alloc; any bytes may be in names.
// Threads:    any.
// Checked by: tests/tool/findings_test.py
//
// A null `view` means that the trace has no call stacks: places are then left out. The keys are docs/report.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "ashlar/observe/heap_layout.hpp"
#include "stack_view.hpp"

namespace ashlar::app {

/// Which of the layouts is the peak's. @pre there are layouts
std::size_t peak_of(const std::vector<heap_layout>& layouts, const summary& s);

void add_layouts(nlohmann::json& to, const std::vector<heap_layout>& layouts, const summary& s, const stack_view* view);
/// Pages held, by whom, and lines shared: figures and tables.
std::string layouts_text(const std::vector<heap_layout>& layouts, const summary& s, const stack_view* view);

}  // namespace ashlar::app
