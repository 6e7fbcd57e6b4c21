// See traces.hpp.
#include "traces.hpp"

#include <cstdio>

#include <fmt/core.h>

#include "failure.hpp"

namespace ashlar::app {

trace_reader open_trace(const std::string& file) {
    auto trace = trace_reader::open(file);
    if (!trace) throw failure(failed, trace.error());
    return trace;
}

void warn_if_incomplete(const trace_reader& trace) {
    if (const auto lost = describe(trace.health()); !lost.empty()) fmt::print(stderr, "ashlar: {}\n", lost);
    if (trace.info().state == trace_state::cut) fmt::print(stderr, "ashlar: {}\n", describe(trace.info()));
}

}  // namespace ashlar::app
