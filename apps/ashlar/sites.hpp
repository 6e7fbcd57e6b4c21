// apps/ashlar/sites.hpp - call sites and stacks as a terminal and as JSON show them, and as files for other viewers.
//
// Layer:      apps/ashlar
// Complexity: linear in what is shown.
// Failure:    none but std::bad_alloc; any bytes may be in names.
// Threads:    any.
// Checked by: tests/tool/symbols_test.py
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "stack_view.hpp"

namespace ashlar::app {

/// What sites are ordered and stacks are weighed by.
struct measure {
    const char* name;  ///< as on the command line
    const char* words;
    std::uint64_t (*of)(const cost&);
    bool is_bytes;
};
const std::vector<measure>& measures();
/// @pre name is one of measures()
const measure& measure_of(const std::string& name);

/// The costs as keys: at_peak_bytes, at_peak_blocks and so on.
nlohmann::json cost_json(const cost& c);
/// A table of the first `most` sites; under each, if `stacks`, its heaviest stack.
std::string sites_text(const stack_view& view, const measure& by, std::size_t most, bool stacks);
/// The keys of docs/report.md: sites, call_tree.
void add_sites(nlohmann::json& to, const stack_view& view);

/// One line a stack, outermost first: for flame graph programs.
std::string folded_text(const stack_view& view, const measure& by);
/// The file of https://www.speedscope.app with one profile per measure.
nlohmann::json speedscope_json(const stack_view& view, const std::string& title);

}  // namespace ashlar::app
