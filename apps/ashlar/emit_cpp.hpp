// apps/ashlar/emit_cpp.hpp - what was advised, as C++ types of the toolkit to paste into a program.
//
// Layer:      apps/ashlar
// Complexity: linear in the advice.
// Failure:    none but std::bad_alloc.
// Threads:    any.
// Checked by: tests/tool/sites_advised_test.py
#pragma once

#include <string>

#include "advisor.hpp"

namespace ashlar::app {

/// A pool or an arena for each route of the best candidate with rules for call sites, and an allocator for everything else.
std::string cpp_text(const advice& made, const advice_input& input);

}  // namespace ashlar::app
