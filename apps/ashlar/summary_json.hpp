// apps/ashlar/summary_json.hpp - a trace's summary as JSON: what `ashlar report --json` prints and the page shows.
//
// Layer:      apps/ashlar
// Complexity: linear in the summary, which is bounded.
// Failure:    none but std::bad_alloc; any bytes may be in names.
// Threads:    any.
// Checked by: tests/tool/report_test.py
//
// The keys are docs/report.md.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_info.hpp"

namespace ashlar::app {

nlohmann::json summary_json(const summary&, const trace_info&, const trace_health&);

/// What of the trace could not be read, in sentences; "" if all of it could.
std::string damage_text(trace_health);

/// The words of a report and what they mean, in the order in which they are shown.
struct definition {
    const char* word;
    const char* meaning;
};
std::span<const definition> definitions() noexcept;

}  // namespace ashlar::app
