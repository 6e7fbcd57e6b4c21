// `ashlar advise TRACE`: which malloc suits the program, why, and an ashlar.conf that makes it so.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "advisor.hpp"
#include "command.hpp"
#include "emit_cpp.hpp"
#include "failure.hpp"
#include "file.hpp"
#include "progress.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar advise [--goal balanced|speed|memory|latency] [--run-time SECONDS] [-o FILE] [--emit cpp] [--json] TRACE";

struct command_options {
    std::string trace;
    std::string conf = "ashlar.conf";
    advice_settings settings;
    std::uint64_t run_memory = 0;
    bool json = false;
    std::string emit = "conf";
};

int advise_on(const command_options& options) {
    const bool cpp = options.emit == "cpp";
    if (!cpp) check_writable(options.conf);  // before minutes of replay, not after
    auto trace = open_whole_trace(options.trace);
    const auto about = summarise(trace);
    trace.rewind();
    advice_settings settings = options.settings;
    settings.run_bytes = static_cast<double>(options.run_memory);
    settings.replay = as_threads_ran(settings.replay, *about);
    const replay_script script(trace, options.trace, settings.replay);
    warn_if_incomplete(trace);
    advice made;
    {
        progress line("advising");
        made = advise({*about, script, command_text(trace.info()), options.trace}, settings,
                      [&](const std::string& what, double share) { line.show(what, share); });
    }
    if (cpp) {
        fmt::print("{}", cpp_text(made, {*about, script, command_text(trace.info()), options.trace}));
        return done;
    }
    if (!made.conf.empty()) write_file(options.conf, made.conf);
    if (options.json) {
        auto all = advice_json(made);
        if (!made.conf.empty()) all["conf_file"] = options.conf;
        fmt::print("{}\n", all.dump(2));
        return done;
    }
    fmt::print("{}\n\n{}\n", made.verdict, advice_table(made));
    for (const auto& sentence : made.sentences) fmt::print("{}\n    {}\n", sentence.text, sentence.evidence);
    if (made.conf.empty()) {
        fmt::print("\nNo conf is written: {}.\n", made.keeps_own() ? "there is nothing to change" : "it would be for Ashlar's malloc; this one is preloaded as it is");
    } else {
        fmt::print("\n{} is written. Try it: ashlar run --conf {} -- PROGRAM\n", options.conf, options.conf);
    }
    return done;
}

}  // namespace

void add_advise(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("advise", "choose a malloc and its options for what a trace shows");
    const auto options = std::make_shared<command_options>();
    command->add_option("TRACE", options->trace, "what `ashlar record` wrote")->required();
    add_goal(*command, options->settings.goal);
    command->add_option("-o,--output", options->conf, "the conf to write")->type_name("FILE")->capture_default_str();
    command->add_option_function<double>("--run-time", [options](double s) { options->settings.run_ns = s * 1e9; },
                                         "how long the program takes when it is not recorded; else as long as when it was")
        ->type_name("SECONDS")->check(CLI::PositiveNumber);
    command->add_option("--run-memory", options->run_memory, "its peak resident memory when it is not recorded; else only that of the heap is compared")
        ->transform(CLI::AsSizeValue(true))->type_name("SIZE");
    command->add_option("--rounds", options->settings.replay.rounds, "repeats of every measurement")->check(CLI::Range(1, 1000))->capture_default_str();
    command->add_option("--limit", options->settings.replay.limit, "replay at most so many steps")
        ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{1} << 32))->capture_default_str();
    command->add_option("--emit", options->emit, "conf (default), or cpp: types of the toolkit, on standard output")
        ->check(CLI::IsMember({"conf", "cpp"}))->type_name("WHAT");
    command->add_flag("--json", options->json, "print JSON instead of sentences and a table");
    command->footer(usage);
    command->callback([&line, options] { line.chosen = [options] { return advise_on(*options); }; });
}

void add_goal(CLI::App& command, advice_goal& goal) {
    std::map<std::string, advice_goal> goals;
    for (const auto g : {advice_goal::balanced, advice_goal::speed, advice_goal::memory, advice_goal::latency}) goals.emplace(name(g), g);
    command.add_option("--goal", goal, "what to gain: balanced (default), speed, memory or latency")
        ->transform(CLI::CheckedTransformer(goals).description(""))->type_name("GOAL");
}

}  // namespace ashlar::app
