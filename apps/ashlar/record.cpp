// `ashlar record -- PROG`: runs the program with the recorder preloaded and says what was recorded.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "attach.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "recording.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar record [-o FILE] [--stacks[=DEPTH]] [--sample SIZE] [--maps] [--malloc ashlar|system] -- PROG ARGS...";
constexpr const char* usage_of_running = "       ashlar record --pid PID [--for TIME] [-o FILE] [--stacks[=DEPTH]] [--sample SIZE]";

struct running {
    bool names_file = false;
    std::uint32_t process = 0;
    std::string how_long;
};

int record(const context& line, recording_options options, const running& of) {
    if (of.process != 0) {
        if (line.program_given) throw failure(wrong_use, "give a process or a program, not both");
        if (options.maps) throw failure(wrong_use, "--maps goes with a program: a process tells maps if it was started so");
        if (!of.names_file) options.file = fmt::format("{}.trace", of.process);
        return record_process(of.process, options, of.how_long.empty() ? 0 : duration_of(of.how_long));
    }
    if (!of.how_long.empty()) throw failure(wrong_use, "--for goes with --pid: a program is recorded to its end");
    recording taken(required_program(line, usage), options);
    const ending how = taken.run();
    if (options.paused) leave_like(how);  // what was recorded, others have asked for
    const std::string left = options.compress ? taken.pack() : "";
    const auto told = taken.summary();
    fmt::print(stderr, "ashlar: {}\n", told.text);
    if (!left.empty()) fmt::print(stderr, "ashlar: {}\n", left);
    if (how.good() && !told.recorded) return failed;  // who asked for a trace must not go on without one
    leave_like(how);
}

}  // namespace

void add_record(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("record", "run a program and record every allocation it makes");
    const auto options = std::make_shared<recording_options>();
    const auto of = std::make_shared<running>();
    const auto* output = command->add_option("-o,--output", options->file, "the trace; its children's go to FILE.PID")
        ->type_name("FILE")->capture_default_str();
    command->add_option("--malloc", options->malloc, "what serves the program meanwhile")
        ->check(CLI::IsMember({"system", "ashlar"}))->capture_default_str();
    command->add_flag("--stacks{64}", options->stacks, "tell every request's call stack, of at most so many frames (64)")
        ->type_name("[=DEPTH]")->check(CLI::Range(1, 256));
    command->add_option("--sample", options->sample, "record one byte in so many and what it is part of: 512K")
        ->transform(CLI::AsSizeValue(true))->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))->type_name("SIZE");
    command->add_flag("--maps", options->maps, "tell mmap and munmap, dlopen and dlclose, too");
    command->add_option("--conf", options->conf, "options for --malloc ashlar")->type_name("FILE");
    command->add_flag("--compress,!--no-compress", options->compress, "pack the trace when the program has ended (default)");
    command->add_flag("--paused", options->paused, "record nothing until asked: ashlar record --pid, ashlar top");
    command->add_option("--pid", of->process, "record a process that ashlar record has started")->type_name("PID")->check(CLI::PositiveNumber);
    command->add_option("--for", of->how_long, "how long: 10s (default: until interrupted, or until it ends)")->type_name("TIME");
    command->footer(fmt::format("{}\n{}", usage, usage_of_running));
    command->callback([&line, options, of, output] {
        of->names_file = output->count() != 0;
        line.takes_program = true;
        line.chosen = [&line, options, of] { return record(line, *options, *of); };
    });
}

}  // namespace ashlar::app
