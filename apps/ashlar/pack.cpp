// `ashlar pack TRACE...`: the same traces in a third of the space; every command reads both.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "ashlar/observe/trace_pack.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

int pack(const std::vector<std::string>& traces) {
    for (const auto& trace : traces) {
        packed_size size;
        if (const auto why = pack_trace(trace, size); !why.empty()) throw failure(failed, printable(why, 4096));
        const auto before = bytes_text(static_cast<double>(size.before)), after = bytes_text(static_cast<double>(size.after));
        if (size.before == size.after) {
            fmt::print("{}: {}, packed already\n", printable(trace, 4096), after);
        } else {
            fmt::print("{}: {} instead of {}\n", printable(trace, 4096), after, before);
        }
    }
    return done;
}

}  // namespace

void add_pack(CLI::App& tool, context& line) {
    auto* command = tool.add_subcommand("pack", "make finished traces smaller, in place; every command reads them");
    const auto traces = std::make_shared<std::vector<std::string>>();
    command->add_option("TRACE", *traces, "traces written by ashlar record")->required();
    command->callback([&line, traces] { line.chosen = [traces] { return pack(*traces); }; });
}

}  // namespace ashlar::app
