// apps/ashlar/export_formats.hpp - a trace in the formats of other tools, beside those of sites.hpp.
//
// Layer:      apps/ashlar
// Source:     profile.proto of google/pprof; Valgrind's dhat/dh_main.c (format version 2); heaptrack 1.4's libheaptrack.cpp.
// Complexity: pprof: linear in the call tree. The others read the trace once more.
// Failure:    throws app::failure; std::bad_alloc.
// Threads:    main's thread.
// Checked by: tests/tool/export_test.py
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ashlar/observe/trace_reader.hpp"
#include "stack_view.hpp"

namespace ashlar::app {

/// Takes text piece by piece.
using text_sink = std::function<void(std::string_view)>;

/// profile.proto, not compressed: allocations, bytes, live at the end and at the peak, temporary blocks.
std::string pprof_bytes(const stack_view& view, const trace_info& info);

// `trace` is at its beginning, and `stacks` are those of the whole trace.

/// JSON for dh_view.html: blocks, lifetimes, greatest, at the peak and at the end, for every stack.
std::string dhat_json(trace_reader& trace, const trace_stacks& stacks, const symbols::options& how);
/// Raw data, as heaptrack_interpret reads it. A realloc is a free and an allocation.
void write_heaptrack(trace_reader& trace, const trace_stacks& stacks, const text_sink& out);
/// One line an event, with a heading.
void write_csv(trace_reader& trace, const text_sink& out);

}  // namespace ashlar::app
