// `ashlar run -- PROG`: becomes the program, on our malloc. There is nobody between the program and its parent:
// signals, terminal and exit status are the program's own.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "command.hpp"
#include "conf.hpp"
#include "environment.hpp"
#include "failure.hpp"
#include "installation.hpp"
#include "process.hpp"
#include "program.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar run [--conf FILE] [--stats] [--stacks] [--json] -- PROG ARGS...";

struct run_options {
    std::string conf;
    bool stats = false;
    bool stacks = false;
    bool json = false;
};

int run(const context& line, const run_options& options) {
    if (options.json && !options.stats && !options.stacks) throw failure(wrong_use, "--json goes with --stats or --stacks");
    const auto& program = required_program(line, usage);
    const std::string path = find_program(program.front());
    environment variables;
    const std::string conf = use_conf(variables, options.conf);
    if (options.stats) variables.append("ASHLAR_OPTIONS", ',', options.json ? "stats_at_exit=json" : "stats_at_exit=text");
    if (const auto obstacle = preload_obstacle(path); !obstacle.empty()) {
        fmt::print(stderr, "ashlar: {} runs on its own malloc{}: {}\n", program.front(), options.stacks ? ", its stacks untold" : "", obstacle);
    } else {
        variables.preload(own_malloc_for(conf));
        if (options.stacks) {
            variables.preload(own_library(our_stack_watcher));
            variables.set("ASHLAR_STACKS", options.json ? "json" : "text");
        }
    }
    become(path, program, variables);
}

}  // namespace

void add_run(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("run", "run a program on Ashlar's malloc");
    const auto options = std::make_shared<run_options>();
    command->add_option("--conf", options->conf, "options for the malloc, as `ashlar advise` writes them (default: ASHLAR_CONF)")
        ->type_name("FILE");
    command->add_flag("--stats", options->stats, "print a summary of the memory used on stderr when the program ends");
    command->add_flag("--stacks", options->stacks, "print how much of its stack each thread has used, likewise");
    command->add_flag("--json", options->json, "print it as JSON");
    command->footer(usage);
    command->callback([&line, options] {
        line.takes_program = true;
        line.chosen = [&line, options] { return run(line, *options); };
    });
}

}  // namespace ashlar::app
