// See traces.hpp.
#include "traces.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/core.h>

#include "failure.hpp"
#include "file.hpp"

namespace ashlar::app {
namespace {

/// `word` as a shell wants it, in quotes only if it must be.
std::string quoted(const std::string& word) {
    if (!word.empty() && word.find_first_of(" \t\n\"'\\$&|;<>*?()#~`") == std::string::npos) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

}  // namespace

trace_reader open_trace(const std::string& file) {
    auto trace = trace_reader::open(file);
    if (!trace) throw failure(failed, trace.error());
    return trace;
}

void check_trace_output(const std::string& file) {
    struct stat about {};
    const bool there = stat(file.c_str(), &about) == 0;
    if (there && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) throw failure(failed, file + ": is not a regular file, which a trace needs");
    if (there && S_ISREG(about.st_mode) && about.st_size > 0 && !trace_reader::open(file)) {
        throw failure(failed, file + ": is there already and is not a trace; it is left as it is");
    }
    check_writable(file);
    check_room(file, 2 * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));  // the header and a first chunk
}

trace_reader open_whole_trace(const std::string& file) {
    auto trace = open_trace(file);
    if (trace.info().sample_mean != 0) throw failure(failed, file + " is a sample, and this needs every event: record without --sample");
    return trace;
}

void warn_if_incomplete(const trace_reader& trace) {
    if (const auto lost = describe(trace.health()); !lost.empty()) fmt::print(stderr, "ashlar: {}\n", lost);
    if (trace.info().state == trace_state::cut || trace.info().sample_mean != 0) fmt::print(stderr, "ashlar: {}\n", describe(trace.info()));
}

std::string command_text(const trace_info& info) {
    std::string line;
    for (const auto& word : info.command_line) line += (line.empty() ? "" : " ") + quoted(word);
    return info.command_line_cut ? line + " ..." : line;
}

std::string title_of(const trace_info& info) {
    const std::string command = command_text(info);
    return info.sample_mean == 0 ? command : fmt::format("{} (estimates: a sample, one byte in {})", command, info.sample_mean);
}

}  // namespace ashlar::app
