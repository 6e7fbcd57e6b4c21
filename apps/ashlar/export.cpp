// `ashlar export`: a trace's call stacks in the formats of other viewers.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "ashlar/observe/summary.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "file.hpp"
#include "sites.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

struct options {
    std::string trace;
    std::string format = "folded";
    std::string by = "peak";
    std::string output;
    std::string debug_paths;
};

int run_export(const options& chosen) {
    auto reader = open_trace(chosen.trace);
    if (!reader.info().has_stacks) {
        throw failure(failed, printable(chosen.trace, 4096) + " has no call stacks; record with --stacks");
    }
    const auto s = summarise(reader);
    const symbols::options how{chosen.debug_paths};
    const stack_view view(*s, reader.stacks(), reader.info(), &how);
    for (const auto& note : view.notes()) fmt::print(stderr, "ashlar: {}\n", note);
    const std::string text = chosen.format == "folded"
                                 ? folded_text(view, measure_of(chosen.by))
                                 : speedscope_json(view, command_text(reader.info())).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (chosen.output.empty()) {
        fmt::print("{}", text);
    } else {
        write_file(chosen.output, text);
    }
    return done;
}

}  // namespace

void add_export(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("export", "write a trace's call stacks in the format of another viewer");
    command->add_option("TRACE", chosen->trace, "a trace written by ashlar record --stacks")->required();
    command->add_option("--format", chosen->format, "folded: one line a stack; speedscope: JSON")
        ->check(CLI::IsMember({"folded", "speedscope"}))->capture_default_str();
    command->add_option("--by", chosen->by, "what a folded stack's number is")
        ->check(CLI::IsMember({"peak", "allocated", "allocations", "temporary", "leaked"}))->capture_default_str();
    command->add_option("-o,--output", chosen->output, "where to write (default: standard output)")->type_name("FILE");
    command->add_option("--debug-path", chosen->debug_paths, "folders with separate debug files, parted by colons");
    command->callback([chosen, &line] { line.chosen = [chosen] { return run_export(*chosen); }; });
}

}  // namespace ashlar::app
