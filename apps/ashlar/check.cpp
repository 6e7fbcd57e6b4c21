// `ashlar check TRACE --max-peak 24MB ...`: whether a program kept within limits, for a build that must fail if not.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <cstdint>
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
#include "summary_json.hpp"
#include "table.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

constexpr const char* usage = "ashlar check TRACE [--max-peak SIZE] [--max-allocations N] [--no-leaks] ...";

struct limits {
    std::optional<std::uint64_t> peak, bytes, leaked;  // bytes
    std::optional<std::uint64_t> allocations, refused;
    std::optional<std::string> temporary;  // "5%"
    bool no_leaks = false;
};

struct options {
    std::string trace;
    std::string junit;
    bool json = false;
    limits most;
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

std::vector<checked_limit> check_all(const limits& most, const summary& s, const trace_reader& trace) {
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
    bytes("max-leaked", s.leaked.bytes, most.leaked);
    if (most.no_leaks) count("no-leaks", s.leaked.blocks, 0);
    if (most.temporary) {
        const double limit = percent(*most.temporary);
        const auto blocks = static_cast<double>(s.temporary.blocks);
        const double found = s.allocations == 0 ? 0 : 100 * blocks / static_cast<double>(s.allocations);
        all.push_back({"max-temporary", found <= limit, fmt::format("{:.2f} %", found), fmt::format("{:g} %", limit)});
    }
    count("max-refused", s.failed_requests, most.refused);
    // What is missing from a trace may be what breaks a limit: such a trace proves nothing.
    const std::string damage = damage_text(trace.health());
    const bool whole = damage.empty() && trace.info().state != trace_state::cut;
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

int check(const options& chosen) {
    const auto& most = chosen.most;
    if (!most.peak && !most.bytes && !most.leaked && !most.allocations && !most.refused && !most.temporary && !most.no_leaks)
        throw failure(wrong_use, "no limit given, so nothing would be checked; " + std::string(usage));
    if (most.temporary) percent(*most.temporary);
    if (!chosen.junit.empty()) check_writable(chosen.junit);
    auto trace = open_trace(chosen.trace);
    const auto s = summarise(trace);
    const auto all = check_all(most, *s, trace);
    if (!chosen.junit.empty()) write_file(chosen.junit, junit_text("ashlar check", command_text(trace.info()), all));
    chosen.json ? print_json(all) : print(all);
    for (const auto& each : all) {
        if (!each.kept) return failed;
    }
    return done;
}

}  // namespace

void add_check(CLI::App& tool, context& line) {
    const auto chosen = std::make_shared<options>();
    auto* command = tool.add_subcommand("check", "fail if what a trace tells is beyond limits, for continuous integration");
    limits& most = chosen->most;
    command->add_option("TRACE", chosen->trace, "a trace written by ashlar record")->required();
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
    command->add_option("--junit", chosen->junit, "write the outcome for continuous integration")->type_name("FILE");
    command->add_flag("--json", chosen->json, "print the outcome as JSON");
    command->footer(usage);
    command->callback([chosen, &line] { line.chosen = [chosen] { return check(*chosen); }; });
}

}  // namespace ashlar::app
