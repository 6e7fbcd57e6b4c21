// `ashlar export`: a trace in the formats of other viewers.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "ashlar/observe/summary.hpp"
#include "command.hpp"
#include "export_formats.hpp"
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

void write(const options& chosen, const std::function<void(const text_sink&)>& text) {
    if (!chosen.output.empty()) return write_file(chosen.output, text);
    text([](std::string_view piece) {
        if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size()) throw failure(failed, "cannot write the output");
    });
}

int run_export(const options& chosen) {
    auto reader = open_trace(chosen.trace);
    if (!chosen.output.empty()) check_writable(chosen.output);
    if (chosen.format == "csv") {
        write(chosen, [&](const text_sink& out) { write_csv(reader, out); });
        warn_if_incomplete(reader);
        return done;
    }
    if (!reader.info().has_stacks) {
        throw failure(failed, printable(chosen.trace, 4096) + " has no call stacks; record with --stacks");
    }
    if (chosen.format == "heaptrack" && reader.info().sample_mean != 0) {
        throw failure(failed, "heaptrack's format has no place for estimates, and " + printable(chosen.trace, 4096) + " is a sample");
    }
    const auto s = summarise(reader);
    warn_if_incomplete(reader);
    const symbols::options how{chosen.debug_paths};
    if (chosen.format == "dhat" || chosen.format == "heaptrack") {
        auto again = open_trace(chosen.trace);  // now that all its stacks are known
        write(chosen, [&](const text_sink& out) {
            chosen.format == "dhat" ? out(dhat_json(again, reader.stacks(), how)) : write_heaptrack(again, reader.stacks(), out);
        });
        return done;
    }
    const stack_view view(*s, reader.stacks(), reader.info(), &how);
    for (const auto& note : view.notes()) fmt::print(stderr, "ashlar: {}\n", note);
    write(chosen, [&](const text_sink& out) {
        if (chosen.format == "folded") return out(folded_text(view, measure_of(chosen.by)));
        if (chosen.format == "pprof") return out(pprof_bytes(view, reader.info()));
        out(speedscope_json(view, title_of(reader.info())).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    });
    return done;
}

}  // namespace

void add_export(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("export", "write a trace in the format of another viewer");
    command->add_option("TRACE", chosen->trace, "a trace written by ashlar record --stacks; for csv any")->required();
    command->add_option("--format", chosen->format,
                        "folded: one line a stack; speedscope, dhat: JSON; pprof: profile.proto; heaptrack: its raw data; csv: every event")
        ->check(CLI::IsMember({"folded", "speedscope", "pprof", "dhat", "heaptrack", "csv"}))->capture_default_str();
    command->add_option("--by", chosen->by, "what a folded stack's number is")
        ->check(CLI::IsMember({"peak", "allocated", "allocations", "temporary", "leaked"}))->capture_default_str();
    command->add_option("-o,--output", chosen->output, "where to write (default: standard output)")->type_name("FILE");
    command->add_option("--debug-path", chosen->debug_paths, "folders with separate debug files, parted by colons");
    command->callback([chosen, &line] { line.chosen = [chosen] { return run_export(*chosen); }; });
}

}  // namespace ashlar::app
