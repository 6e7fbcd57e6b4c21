// apps/ashlar/study.hpp - a trace read to its end: its figures, its call sites, how its blocks lay.
//
// Layer:      apps/ashlar
// Complexity: the trace is read once for the figures, and once more for layouts.
// Failure:    throws app::failure with the reader's sentence if the file is no trace.
// Threads:    main's thread.
// Checked by: tests/tool/report_test.py
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "ashlar/observe/heap_layout.hpp"
#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "stack_view.hpp"

namespace ashlar::app {

struct study {
    /// Without symbols, if `how` is null.
    study(const std::string& trace, const symbols::options* how);

    /// Adds the layouts. Not every command wants them: they cost a second reading.
    void look_at_pages();
    /// All keys of docs/report.md. @pre look_at_pages() was called
    nlohmann::json json() const;
    /// Null if the trace has no call stacks.
    const stack_view* named() const { return view ? &*view : nullptr; }

    trace_reader reader;
    std::unique_ptr<summary> figures;
    trace_health health;
    std::optional<stack_view> view;
    std::vector<heap_layout> layouts;
};

}  // namespace ashlar::app
