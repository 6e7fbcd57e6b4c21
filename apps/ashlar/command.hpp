// apps/ashlar/command.hpp - the commands: each file offers one function that adds its command to the command line.
//
// Layer:      apps/ashlar
// Complexity: adding a command only describes it; the work happens when main() calls the chosen action.
// Failure:    an action throws app::failure; main() prints its sentence and leaves with its status.
// Threads:    main's thread.
// Checked by: tests/tool/command_line_test.py
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ashlar/observe/advice.hpp"

namespace CLI {
class App;
}

namespace ashlar::app {

/// What a command line comes down to: does the work and returns the exit status.
using action = std::function<int()>;

/// Where a command finds what it shares with the others.
struct context {
    action chosen;                     ///< set by the command that the command line names
    std::vector<std::string> program;  ///< what follows "--": a program and its arguments
    bool program_given = false;        ///< "--" was there, even if nothing followed
    bool takes_program = false;        ///< set by a command that runs a program
};

void add_run(CLI::App& tool, context& line);
void add_record(CLI::App& tool, context& line);
void add_top(CLI::App& tool, context& line);
void add_pack(CLI::App& tool, context& line);
void add_report(CLI::App& tool, context& line);
void add_import(CLI::App& tool, context& line);
void add_check(CLI::App& tool, context& line);
void add_export(CLI::App& tool, context& line);
void add_replay(CLI::App& tool, context& line);
void add_advise(CLI::App& tool, context& line);
void add_tune(CLI::App& tool, context& line);

/// The option --goal, which advise and tune share.
void add_goal(CLI::App& command, advice_goal& goal);

/// @returns line.program; fails with a sentence that shows `usage` if there is none.
const std::vector<std::string>& required_program(const context& line, const std::string& usage);

}  // namespace ashlar::app
