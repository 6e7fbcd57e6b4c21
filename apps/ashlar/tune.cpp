// `ashlar tune -- PROG`: record, replay, advise, then the program itself under both mallocs, and an honest verdict.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "command.hpp"
#include "failure.hpp"
#include "tuning.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar tune [--goal GOAL] [--runs N] [--all] [--train INPUT --test INPUT] [--output DIR] [--json] -- PROG ARGS...";

struct command_options {
    tuning_options tuning;
    bool json = false;
};

int tune(const context& line, const command_options& options) {
    tuning made(required_program(line, usage), options.tuning);
    made.run(options.json);
    if (options.json) fmt::print("{}\n", made.json().dump(2));
    return done;
}

}  // namespace

void add_tune(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("tune", "record, replay, advise, and run the program under the choice; shows what it gains");
    const auto options = std::make_shared<command_options>();
    add_goal(*command, options->tuning.advice.goal);
    command->add_option("--runs", options->tuning.runs, "measured runs of each kind")->check(CLI::Range(2, 10000))->capture_default_str();
    command->add_flag("--all", options->tuning.all, "run the program under every malloc that is replayed, not only under the two expected to be best");
    command->add_option("--engines", options->tuning.engines, "the replay shows only these, separated by commas");
    auto* train = command->add_option("--train", options->tuning.train, "stands for {} in the program's words while it is recorded")->type_name("INPUT");
    auto* test = command->add_option("--test", options->tuning.test, "and while it is measured: another one, so that what was learnt is put to the test")->type_name("INPUT");
    train->needs(test);
    test->needs(train);
    command->add_option("--output", options->tuning.folder, "folder for report.html, ashlar.conf and ashlar.trace; made if it is not there")
        ->type_name("DIR")->capture_default_str();
    command->add_option("--rounds", options->tuning.advice.replay.rounds, "repeats of every replay")->check(CLI::Range(1, 1000))->capture_default_str();
    command->add_flag("--json", options->json, "print JSON instead of the tables; the program's own output goes to stderr");
    command->footer(usage);
    command->callback([&line, options] {
        line.takes_program = true;
        line.chosen = [&line, options] { return tune(line, *options); };
    });
}

}  // namespace ashlar::app
