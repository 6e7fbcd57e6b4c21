// `ashlar record -- PROG`: runs the program with the recorder preloaded and says what was recorded.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "command.hpp"
#include "recording.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar record [-o FILE] [--stacks[=DEPTH]] [--sample SIZE] [--malloc ashlar|system] -- PROG ARGS...";

int record(const context& line, const recording_options& options) {
    recording taken(required_program(line, usage), options);
    const ending how = taken.run();
    const std::string left = options.compress ? taken.pack() : "";
    fmt::print(stderr, "ashlar: {}\n", taken.summary());
    if (!left.empty()) fmt::print(stderr, "ashlar: {}\n", left);
    leave_like(how);
}

}  // namespace

void add_record(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("record", "run a program and record every allocation it makes");
    const auto options = std::make_shared<recording_options>();
    command->add_option("-o,--output", options->file, "the trace; its children's go to FILE.PID")
        ->type_name("FILE")->capture_default_str();
    command->add_option("--malloc", options->malloc, "what serves the program meanwhile")
        ->check(CLI::IsMember({"system", "ashlar"}))->capture_default_str();
    command->add_flag("--stacks{64}", options->stacks, "tell every request's call stack, of at most so many frames (64)")
        ->type_name("[=DEPTH]")->check(CLI::Range(1, 256));
    command->add_option("--sample", options->sample, "record one byte in so many and what it is part of: 512K")
        ->transform(CLI::AsSizeValue(true))->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))->type_name("SIZE");
    command->add_option("--conf", options->conf, "options for --malloc ashlar")->type_name("FILE");
    command->add_flag("--compress,!--no-compress", options->compress, "pack the trace when the program has ended (default)");
    command->footer(usage);
    command->callback([&line, options] {
        line.takes_program = true;
        line.chosen = [&line, options] { return record(line, *options); };
    });
}

}  // namespace ashlar::app
