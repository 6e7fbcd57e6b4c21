// apps/ashlar/traces.hpp - open the trace that a command line names, or say in one sentence why not.
//
// Layer:      apps/ashlar
// Complexity: that of trace_reader::open.
// Failure:    throws app::failure with the reader's sentence.
// Threads:    main's thread.
// Checked by: tests/tool/bad_input_test.py
#pragma once

#include <string>

#include "ashlar/observe/trace_reader.hpp"

namespace ashlar::app {

trace_reader open_trace(const std::string& file);

/// The same, and fails if the trace is a sample: what needs every event cannot work with one.
trace_reader open_whole_trace(const std::string& file);

/// The recorded program's command line, as a shell would take it.
std::string command_text(const trace_info& info);

/// The same for other viewers, which know of no estimates: it says so.
std::string title_of(const trace_info& info);

/// Fails unless a trace can be written there, and nothing is there that is not a trace.
void check_trace_output(const std::string& file);

/// Warns on stderr, in one sentence, if the trace is not the whole of what the program did. To be called when
/// the reader has been read to its end.
void warn_if_incomplete(const trace_reader& trace);

}  // namespace ashlar::app
