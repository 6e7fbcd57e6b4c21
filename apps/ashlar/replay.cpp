// `ashlar replay TRACE`: how each strategy, our malloc and the installed peers would have served the program.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "command.hpp"
#include "page.hpp"
#include "progress.hpp"
#include "replay_report.hpp"
#include "replay_run.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar replay [--engines LIST] [--rounds N] [--touch none|pages|all] [--fragmentation] [--html FILE] [--json] TRACE";

struct command_options {
    std::string trace;
    std::string engines;
    replay_options replay;
    bool json = false;
    bool no_latency = false;
    bool no_check = false;
    bool fragmentation = false;
    std::string page;
};

int replay(const command_options& options) {
    auto trace = open_whole_trace(options.trace);
    const auto engines = chosen_engines(options.engines);
    replay_options how = options.replay;
    how.latency = !options.no_latency;
    how.check = !options.no_check;
    how.placement = options.fragmentation || options.json || !options.page.empty();
    const replay_script script(trace, options.trace, how);
    warn_if_incomplete(trace);
    std::vector<replay_figures> figures;
    {
        progress line("replaying");
        figures = replay_on(script, engines, how, [&](const std::string& engine, double share) { line.show(engine, share); });
    }
    const packing_bounds packing = how.placement ? script.packing() : packing_bounds{};
    if (options.json || !options.page.empty()) {
        auto told = replay_json(script.facts(), figures, how, "");
        add_fragmentation(told, figures, script.facts(), packing);
        if (!options.page.empty()) write_page(options.page, {{"title", "ashlar replay " + options.trace}, {"replay", told}});
        if (options.json) {
            fmt::print("{}\n", told.dump(1));
            return 0;
        }
    }
    fmt::print("{}: {} live at most, {} allocated in all\n\n{}\n{}\n", options.trace,
               bytes_text(static_cast<double>(script.facts().peak_bytes)),
               bytes_text(static_cast<double>(script.facts().bytes_allocated)), replay_table(figures),
               replay_note(script.facts(), how));
    if (options.fragmentation) fmt::print("\n{}", fragmentation_table(figures, packing));
    return 0;
}

}  // namespace

void add_replay(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("replay", "replay a trace on every strategy, on our malloc and on the installed peers");
    const auto options = std::make_shared<command_options>();
    command->add_option("TRACE", options->trace, "what `ashlar record` wrote")->required();
    command->add_option("--engines", options->engines, "only these, separated by commas");
    command->add_option("--rounds", options->replay.rounds, "repeats of every measurement")
        ->check(CLI::Range(1, 1000))->capture_default_str();
    const std::map<std::string, replay_touch> touches{{"none", replay_touch::none}, {"pages", replay_touch::pages}, {"all", replay_touch::all}};
    command->add_option("--touch", options->replay.touch, "what is written of a granted block: none, pages (default) or all")
        ->transform(CLI::CheckedTransformer(touches).description(""))->type_name("WHAT");
    command->add_option("--limit", options->replay.limit, "replay at most so many steps")
        ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{1} << 32))->capture_default_str();
    command->add_option("--timed", options->replay.timed, "take the times of at most so many steps")
        ->check(CLI::Range(std::uint64_t{2}, std::uint64_t{1} << 32))->capture_default_str();
    command->add_option("--seconds", options->replay.seconds, "stop an engine that takes longer for one pass")
        ->check(CLI::Range(1, 86400))->capture_default_str();
    command->add_flag("--no-latency", options->no_latency, "leave out the time of each single step");
    command->add_flag("--no-check", options->no_check, "leave out the pass that checks every block");
    command->add_flag("--fragmentation", options->fragmentation, "a second table: fragmentation, page faults, cache lines");
    const std::map<std::string, replay_threads_mode> modes{
        {"serial", replay_threads_mode::serial}, {"recorded", replay_threads_mode::recorded}, {"one", replay_threads_mode::one}};
    command->add_option("--threads", options->replay.threads, "who does the steps: one thread (serial, default), each its own (recorded), or only the busiest (one)")
        ->transform(CLI::CheckedTransformer(modes))->type_name("MODE");
    const std::map<std::string, bool> starts{{"clean", false}, {"littered", true}};
    command->add_option("--start", options->replay.littered, "on which heap: clean (default), or littered: filled and perforated before")
        ->transform(CLI::CheckedTransformer(starts))->type_name("HEAP");
    command->add_option("--seed", options->replay.seed, "of the litter")->capture_default_str();
    command->add_option("--html", options->page, "write a page with the figures and a film of every heap")->type_name("FILE");
    command->add_flag("--json", options->json, "print JSON instead of the table");
    command->footer(usage);
    command->callback([&line, options] { line.chosen = [options] { return replay(*options); }; });
}

}  // namespace ashlar::app
