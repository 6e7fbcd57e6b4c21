// `ashlar check`: whether a program kept within limits, for a build that must fail if not; of a trace, or of a program that
// it runs on our malloc with every check.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_reader.hpp"
#include "command.hpp"
#include "failure.hpp"
#include "file.hpp"
#include "junit.hpp"
#include "leaks.hpp"
#include "mismatches.hpp"
#include "recording.hpp"
#include "summary_json.hpp"
#include "table.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* usage = "ashlar check [--max-peak SIZE] [--no-leaks] [--suppressions FILE] ... TRACE | -- PROG ARGS...";
constexpr std::size_t most_shown = 10;

struct limits {
    std::optional<std::uint64_t> peak, bytes, leaked;  // bytes
    std::optional<std::uint64_t> allocations, refused;
    std::optional<std::string> temporary;  // "5%"
    bool no_leaks = false, no_mismatches = false;
};

struct options {
    std::string trace;
    std::string junit;
    std::string suppressions;
    std::string debug_paths;
    bool json = false;
    limits most;
};

bool any(const limits& most) {
    return most.peak || most.bytes || most.leaked || most.allocations || most.refused || most.temporary || most.no_leaks ||
           most.no_mismatches;
}

/// A folder of our own that ends with us.
class scratch_folder {
public:
    scratch_folder() {
        std::string name = (fs::temp_directory_path() / "ashlar-check-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw failure(failed, name + ": cannot be made");
        path_ = name;
    }
    ~scratch_folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    std::string file(const char* name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

/// @returns per cent, 0 to 100
double percent(const std::string& text) {
    std::size_t end = 0;
    double value = -1;
    try {
        value = std::stod(text, &end);
    } catch (const std::exception&) {
        end = 0;
    }
    const std::string rest = text.substr(end);
    if (end == 0 || (!rest.empty() && rest != "%" && rest != " %") || !(value >= 0 && value <= 100)) {
        throw failure(wrong_use, fmt::format("--max-temporary '{}' is no share of 0% to 100%", printable(text)));
    }
    return value;
}

std::vector<checked_limit> check_all(const limits& most, const summary& s, const trace_reader& trace, const tally& leaked,
                                     std::uint64_t mismatched) {
    std::vector<checked_limit> all;
    const auto text = [](std::uint64_t n) {
        return fmt::format("{} B ({})", count_text(n), bytes_text(static_cast<double>(n)));
    };
    const auto bytes = [&](const char* name, std::uint64_t found, const std::optional<std::uint64_t>& limit) {
        if (limit) all.push_back({name, found <= *limit, text(found), text(*limit)});
    };
    const auto count = [&](const char* name, std::uint64_t found, const std::optional<std::uint64_t>& limit) {
        if (limit) all.push_back({name, found <= *limit, count_text(found), count_text(*limit)});
    };
    bytes("max-peak", s.peak_bytes, most.peak);
    bytes("max-bytes", s.bytes_allocated, most.bytes);
    count("max-allocations", s.allocations, most.allocations);
    bytes("max-leaked", leaked.bytes, most.leaked);
    if (most.no_leaks) count("no-leaks", leaked.blocks, 0);
    if (most.no_mismatches) count("no-mismatches", mismatched, 0);
    if (most.temporary) {
        const double limit = percent(*most.temporary);
        const auto blocks = static_cast<double>(s.temporary.blocks);
        const double found = s.allocations == 0 ? 0 : 100 * blocks / static_cast<double>(s.allocations);
        all.push_back({"max-temporary", found <= limit, fmt::format("{:.2f} %", found), fmt::format("{:g} %", limit)});
    }
    count("max-refused", s.failed_requests, most.refused);
    // What is missing from a trace may be what breaks a limit: such a trace proves nothing.
    const std::string damage = damage_text(trace.health());
    const bool whole = damage.empty() && trace.info().state != trace_state::cut && trace.info().sample_mean == 0;
    all.push_back({"trace-is-complete", whole, whole ? "yes" : damage.empty() ? describe(trace.info()) : damage, "yes"});
    return all;
}

void print(const std::vector<checked_limit>& all) {
    table rows({"limit", ">allowed", ">found", ""});
    for (const auto& each : all) rows.row({each.name, each.allowed, printable(each.found, 400), each.kept ? "" : "BROKEN"});
    fmt::print("{}", rows.text());
}

void print_json(const std::vector<checked_limit>& all) {
    auto rows = nlohmann::json::array();
    for (const auto& each : all)
        rows.push_back({{"limit", each.name}, {"allowed", each.allowed}, {"found", valid_utf8(each.found)}, {"kept", each.kept}});
    fmt::print("{}\n", rows.dump(2));
}

/// The limits on a trace, and what else was looked at.
int check_trace(const options& chosen, const std::string& file, std::vector<checked_limit> more) {
    auto trace = open_trace(file);
    const auto s = summarise(trace);
    tally leaked = s->leaked;
    std::string told;
    std::uint64_t mismatched = 0;
    if (trace.info().has_stacks && leaked.blocks != 0 && (chosen.most.no_leaks || chosen.most.leaked)) {
        const symbols::options how{chosen.debug_paths};
        const stack_view view(*s, trace.stacks(), trace.info(), &how);
        for (const auto& note : view.notes()) fmt::print(stderr, "ashlar: {}\n", note);
        const auto found = find_leaks(view, chosen.suppressions.empty() ? suppressions() : suppressions(chosen.suppressions));
        leaked = found.all;
        told = leaks_text(view, found, most_shown);
    } else if (!chosen.suppressions.empty() && !trace.info().has_stacks) {
        throw failure(failed, printable(file, 4096) + " has no call stacks, by which leaks are suppressed; record with --stacks");
    }
    if (chosen.most.no_mismatches) {
        auto again = open_trace(file);
        const auto found = find_mismatches(again);
        for (const auto& each : found) mismatched += each.blocks;
        const symbols::options how{chosen.debug_paths};
        std::optional<stack_view> view;
        if (!found.empty() && trace.info().has_stacks) view.emplace(*s, trace.stacks(), trace.info(), &how);
        told += mismatches_text(view ? &*view : nullptr, found, most_shown);
    }
    auto all = check_all(chosen.most, *s, trace, leaked, mismatched);
    all.insert(all.begin(), more.begin(), more.end());
    if (!chosen.junit.empty()) write_file(chosen.junit, junit_text("ashlar check", command_text(trace.info()), all));
    chosen.json ? print_json(all) : print(all);
    if (!chosen.json && !told.empty()) fmt::print("\n{}", told);
    for (const auto& each : all) {
        if (!each.kept) return failed;
    }
    return done;
}

/// Runs the program on our malloc, with every check of freed and foreign blocks, while it is recorded.
int check_program(options chosen, const std::vector<std::string>& program) {
    if (!any(chosen.most)) chosen.most.no_leaks = chosen.most.no_mismatches = true;
    const scratch_folder folder;
    // Guard pages as far as there are slots: what such a block finds is told with the calls that granted, freed and touched it.
    write_file(folder.file("conf"), "version = 1\nharden = 2\nguard_samples = 1000000\nguard_slots = 4096\n");
    recording_options how;
    how.file = folder.file("trace");
    how.malloc = "ashlar";
    how.conf = folder.file("conf");
    how.stacks = 64;
    recording taken(program, how);
    const ending end = taken.run();
    if (!fs::exists(how.file)) throw failure(failed, taken.summary().text);
    return check_trace(chosen, how.file, {{"ends-well", end.good(), describe(end), "exit status 0"}});
}

int check(const context& line, const options& chosen) {
    const bool of_program = line.program_given;
    if (of_program == !chosen.trace.empty()) throw failure(wrong_use, "give a trace, or a program after \"--\"; " + std::string(usage));
    if (!of_program && !any(chosen.most)) throw failure(wrong_use, "no limit given, so nothing would be checked; " + std::string(usage));
    if (chosen.most.temporary) percent(*chosen.most.temporary);
    if (!chosen.suppressions.empty()) suppressions(chosen.suppressions);
    if (!chosen.junit.empty()) check_writable(chosen.junit);
    return of_program ? check_program(chosen, required_program(line, usage)) : check_trace(chosen, chosen.trace, {});
}

}  // namespace

void add_check(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("check", "fail if a program goes beyond limits or misuses its memory, for continuous integration");
    limits& most = chosen->most;
    command->add_option("TRACE", chosen->trace, "a trace written by ashlar record; or run a program, after --");
    const auto size = [&](const char* name, std::optional<std::uint64_t>& value, const char* words) {
        command->add_option(name, value, words)->transform(CLI::AsSizeValue(true))->type_name("SIZE");
    };
    size("--max-peak", most.peak, "most bytes that may live at a time: 24MB, 24MiB");
    size("--max-bytes", most.bytes, "most bytes that may be allocated in all");
    size("--max-leaked", most.leaked, "most bytes that may never be freed");
    command->add_option("--max-allocations", most.allocations, "most blocks that may be allocated")
        ->check(CLI::NonNegativeNumber)->type_name("N");
    command->add_option("--max-temporary", most.temporary,
                        "largest share of blocks freed before their thread allocates again: 5%")->type_name("SHARE");
    command->add_option("--max-refused", most.refused, "most requests that may be refused")
        ->check(CLI::NonNegativeNumber)->type_name("N");
    command->add_flag("--no-leaks", most.no_leaks, "every block must be freed");
    command->add_flag("--no-mismatches", most.no_mismatches, "what new grants delete must free, what malloc grants free, and so on");
    command->add_option("--suppressions", chosen->suppressions, "leaks that are known: leak:PATTERN a line, as LeakSanitizer has them")
        ->type_name("FILE");
    command->add_option("--debug-path", chosen->debug_paths, "folders with separate debug files, parted by colons");
    command->add_option("--junit", chosen->junit, "write the outcome for continuous integration")->type_name("FILE");
    command->add_flag("--json", chosen->json, "print the outcome as JSON");
    command->footer(usage);
    command->callback([chosen, &line] {
        line.takes_program = true;
        line.chosen = [chosen, &line] { return check(line, *chosen); };
    });
}

}  // namespace ashlar::app
