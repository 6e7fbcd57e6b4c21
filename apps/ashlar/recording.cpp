// See recording.hpp.
#include "recording.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

#include "ashlar/observe/record_control.hpp"
#include "ashlar/observe/trace_pack.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "conf.hpp"
#include "failure.hpp"
#include "file.hpp"
#include "installation.hpp"
#include "program.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

/// The traces of child processes and of programs that exec replaced: FILE.NUMBER, younger than `since`.
std::vector<std::string> children_of(const std::string& file, fs::file_time_type since) {
    std::vector<std::string> all;
    std::error_code error;
    const std::string stem = fs::path(file).filename().string() + ".";
    for (const auto& entry : fs::directory_iterator(fs::absolute(file).parent_path(), error)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind(stem, 0) != 0 || name.find_first_not_of("0123456789", stem.size()) != std::string::npos) continue;
        std::error_code gone;
        const auto written = entry.last_write_time(gone);
        if (!gone && written >= since) all.push_back(entry.path().string());
    }
    return all;
}

std::uint64_t count_events(trace_reader& trace) {
    std::uint64_t count = 0;
    while (trace.next() != nullptr) ++count;
    return count;
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
    return count_text(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

recording::recording(const std::vector<std::string>& program, const recording_options& options)
    : program_(program), options_(options), path_(find_program(program.front())), obstacle_(preload_obstacle(path_)) {
    if (!options_.paused) check_trace_output(options_.file);  // recording.I1
    options_.file = fs::absolute(options_.file).string();
    options_.paused ? variables_.remove("ASHLAR_TRACE") : variables_.set("ASHLAR_TRACE", options_.file);
    options_.paused ? variables_.set("ASHLAR_PAUSED", "1") : variables_.remove("ASHLAR_PAUSED");
    std::string no_control;
    const std::string folder = control_folder(no_control);
    if (options_.paused && folder.empty()) throw failure(failed, no_control);
    variables_.set("ASHLAR_CONTROL", folder);  // "": none
    if (options_.malloc == "ashlar") {
        use_conf(variables_, options_.conf);
        variables_.preload(own_library(our_malloc));
    }
    const auto choose = [&](const char* variable, std::uint64_t value) {
        value != 0 ? variables_.set(variable, std::to_string(value)) : variables_.remove(variable);
    };
    choose("ASHLAR_TRACE_STACKS", options_.stacks);
    choose("ASHLAR_TRACE_SAMPLE", options_.sample);
    choose("ASHLAR_TRACE_MAPS", options_.maps);
    variables_.preload(own_library(our_recorder));  // first, so that it sees what the program asks
}

ending recording::run(int output) {
    std::error_code ignored;
    if (!options_.paused) fs::remove(options_.file, ignored);  // an old trace must not pass for the new one if nothing is recorded
    began_ = fs::file_time_type::clock::now();
    start_options how;
    how.output = output;
    return wait_and_forward(start(path_, program_, variables_, how));
}

std::string recording::pack() const {
    auto files = children_of(options_.file, began_);
    std::error_code gone;
    if (fs::file_size(options_.file, gone) > 0 && !gone) files.push_back(options_.file);
    std::size_t left = 0;
    std::string why;
    for (const auto& file : files) {
        packed_size ignored;
        const auto obstacle = pack_trace(file, ignored);
        left += !obstacle.empty();
        if (why.empty()) why = obstacle;
    }
    return left > 1 ? fmt::format("{} (and {} more)", why, left - 1) : why;
}

std::string recording::nothing_recorded() const {
    const std::string why = !obstacle_.empty() ? obstacle_ : "the recorder was not loaded, or could not write";
    return fmt::format("nothing was recorded of {}: {}", printable(program_.front()), why);
}

recording::outcome recording::summary() const {
    std::error_code error;
    const auto size = fs::file_size(options_.file, error);
    if (error || size == 0) return {nothing_recorded(), false};
    auto trace = trace_reader::open(options_.file);
    if (!trace) return {trace.error(), false};
    const auto events = count_events(trace);
    const auto children = children_of(options_.file, began_).size();
    std::string text = fmt::format("{} of {}, {}, in {}", plural(events, "event", "events"),
                                   plural(trace.info().threads, "thread", "threads"),
                                   bytes_text(static_cast<double>(size)), options_.file);
    if (children > 0) text += fmt::format("; {} beside it", plural(children, "trace of a child process", "traces of child processes"));
    if (trace.info().state == trace_state::cut || trace.info().dropped_events > 0) {
        text += fmt::format(". {}", describe(trace.info()));
    }
    return {text, events > 0 || trace.info().state != trace_state::cut};
}

}  // namespace ashlar::app
