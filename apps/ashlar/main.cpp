// The tool `ashlar`: reads the command line, calls the command, turns failures into one sentence and a status.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "command.hpp"
#include "failure.hpp"
#include "replay_order.hpp"
#include "replay_worker.hpp"

namespace ashlar::app {
namespace {

constexpr const char* about =
    "Ashlar watches how a program uses memory, replays it against allocation strategies,\n"
    "and runs the program under the one that suits it.";
constexpr const char* hint =
    "PROG and its arguments follow \"--\": ashlar tune -- sqlite3 my.db .schema\n"
    "Help on one command: ashlar COMMAND --help";

/// A command's footer is its usage line: "ashlar run -- PROG" says more than "ashlar run [OPTIONS]".
class help_formatter : public CLI::Formatter {
public:
    std::string make_usage(const CLI::App* app, std::string name) const override {
        if (app->get_parent() == nullptr) return "usage: ashlar COMMAND [OPTIONS] [TRACE] [-- PROG ARGS...]\n";
        if (app->get_footer().empty()) return "usage: " + name + " [OPTIONS] TRACE\n";
        return "usage: " + app->get_footer() + "\n";
    }
    std::string make_footer(const CLI::App* app) const override {
        return app->get_parent() == nullptr ? CLI::Formatter::make_footer(app) : "";
    }
};

/// Splits at the first "--", so that no option of the program is ever taken for one of ours.
std::vector<std::string> split_program(int argc, char** argv, context& line) {
    std::vector<std::string> own;
    for (int i = 1; i < argc; ++i) {
        if (!line.program_given && std::strcmp(argv[i], "--") == 0) {
            line.program_given = true;
        } else {
            (line.program_given ? line.program : own).emplace_back(argv[i]);
        }
    }
    return {own.rbegin(), own.rend()};  // CLI11 takes them from the back
}

std::string command_names(const CLI::App& tool) {
    std::string names;
    for (const auto* command : tool.get_subcommands([](const CLI::App*) { return true; })) {
        names += (names.empty() ? "" : ", ") + command->get_name();
    }
    return names;
}

/// @returns what is wrong with the line, as one sentence. CLI11's own words serve for an option's value.
std::string describe(const CLI::App& tool, const CLI::ParseError& error, const std::vector<std::string>& reversed) {
    const bool no_command = tool.get_subcommands().empty();
    if (no_command && reversed.empty()) return "no command given; there are: " + command_names(tool);
    if (no_command && reversed.back().rfind("-", 0) != 0) {
        return fmt::format("no command '{}'; there are: {}", reversed.back(), command_names(tool));
    }
    const std::string help = "try: ashlar" + (no_command ? "" : " " + tool.get_subcommands().front()->get_name()) + " --help";
    if (no_command) return fmt::format("unknown option '{}'; {}", reversed.back(), help);
    std::string text = error.what();
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
        const std::string extra = text.substr(text.find(": ") + 2);  // all of them, the last one first
        const auto dash = extra.rfind(" -") == std::string::npos ? 0 : extra.rfind(" -") + 1;
        if (extra[dash] == '-') return fmt::format("unknown option '{}'; {}", extra.substr(dash, extra.find(' ', dash) - dash), help);
        return fmt::format("unexpected argument '{}' (a program follows \"--\"); {}", extra, help);
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
    for (auto& c : text) c = c == '\n' ? ' ' : c;
    return text + "; " + help;
}

int complain(int status, const std::string& sentence) {
    fmt::print(stderr, "ashlar: {}\n", sentence);
    return status;
}

int run_tool(int argc, char** argv) {
    CLI::App tool(about, "ashlar");
    tool.formatter(std::make_shared<help_formatter>());
    tool.require_subcommand(1);
    tool.set_version_flag("--version", std::string("ashlar ") + ASHLAR_VERSION);
    context line;
    add_run(tool, line);
    add_record(tool, line);
    add_top(tool, line);
    add_pack(tool, line);
    add_report(tool, line);
    add_import(tool, line);
    add_check(tool, line);
    add_export(tool, line);
    add_replay(tool, line);
    add_advise(tool, line);
    add_tune(tool, line);

    tool.footer(hint);  // after the commands are there: they would inherit it

    const auto own = split_program(argc, argv, line);
    try {
        auto arguments = own;
        tool.parse(arguments);
    } catch (const CLI::Success& wanted) {  // --help and --version
        return tool.exit(wanted);
    } catch (const CLI::ParseError& error) {
        return complain(wrong_use, describe(tool, error, own));
    }
    if (line.program_given && !line.takes_program) {
        return complain(wrong_use, tool.get_subcommands().front()->get_name() + " takes no program after \"--\"");
    }
    return line.chosen();
}

}  // namespace

const std::vector<std::string>& required_program(const context& line, const std::string& usage) {
    if (line.program.empty()) throw failure(wrong_use, "no program given; write it after \"--\": " + usage);
    return line.program;
}

}  // namespace ashlar::app

int main(int argc, char** argv) {
    using namespace ashlar::app;
    if (argc > 1 && std::strcmp(argv[1], worker_command) == 0) return replay_worker(argc - 2, argv + 2);
    try {
        const int status = run_tool(argc, argv);
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain(failed, "cannot write the output");
        return status;
    } catch (const failure& why) {
        return complain(why.status(), why.what());
    } catch (const std::bad_alloc&) {
        return complain(failed, "out of memory");
    } catch (const std::exception& why) {
        return complain(failed, why.what());
    }
}
