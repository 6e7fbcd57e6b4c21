// apps/ashlar/place.hpp - where a call stack asks, as keys of a JSON row and as text: its call site.
//
// Layer:      apps/ashlar
// Complexity: constant but for the text.
// Failure:    none but std::bad_alloc; any bytes may be in names. Without a view, or a site, nothing is told.
// Threads:    any.
// Checked by: tests/tool/findings_test.py
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "stack_view.hpp"

namespace ashlar::app {

/// Adds function, file, line and module.
void add_place(nlohmann::json& row, const stack_view* view, std::uint32_t stack);
std::string place_text(const stack_view* view, std::uint32_t stack);

}  // namespace ashlar::app
