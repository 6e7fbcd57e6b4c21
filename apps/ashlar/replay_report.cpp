// See replay_report.hpp.
#include "replay_report.hpp"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

const char* touch_text(replay_touch touch) {
    switch (touch) {
        case replay_touch::none: return "no block is written to";
        case replay_touch::pages: return "the first byte of every page of a block is written to";
        case replay_touch::all: break;
    }
    return "every byte of every block is written to";
}

const char* order_text(const replay_options& options) {
    switch (options.threads) {
        case replay_threads_mode::serial: break;
        case replay_threads_mode::recorded: return "by as many threads, which wait for one another where a block crosses; what is not thread-safe is behind a mutex";
        case replay_threads_mode::one: return "on the blocks of the busiest, whoever ended them; what it did with blocks of others is left out";
    }
    return "in the order they happened";
}

void fastest_first(std::vector<replay_figures>& figures) {
    std::stable_sort(figures.begin(), figures.end(), [](const auto& a, const auto& b) {
        if (a.refused.empty() != b.refused.empty()) return a.refused.empty();
        return a.refused.empty() && a.ns_per_op < b.ns_per_op;
    });
}

}  // namespace

std::string replay_note(const replay_facts& facts, const replay_options& options) {
    std::string note = fmt::format(
        "{} {} steps of {} {} {}; {}. Times are medians of {} rounds, latencies "
        "the least of {} for each step, less those of the replay itself; who takes ten times as long as the fastest is timed once.",
        facts.streams > 0 ? "Concurrent replay of" : "Serial replay of", count_text(facts.steps - facts.lead_in - facts.awaits), facts.threads,
        facts.threads == 1 ? "thread" : "threads", order_text(options), touch_text(options.touch),
        options.rounds, options.latency_rounds());
    if (options.timed_of(facts) < facts.steps) note += fmt::format(" Times are those of the first {} steps.", count_text(options.operations_of(facts)));
    if (facts.lead_in > 0) {
        note += fmt::format(" Before them, {} blocks of such sizes, as much as the trace has live at most, were allocated and half of them freed (seed {}); live bytes count those that stay.",
                            count_text(2 * facts.lead_in / 3), options.seed);
    }
    if (facts.cut != 0) note += " What came after these steps is left out.";
    if (facts.foreign_releases > 0) {
        note += fmt::format(" {} releases of blocks that the trace does not know are left out.", count_text(facts.foreign_releases));
    }
    return note;
}

std::string replay_table(std::vector<replay_figures> figures) {
    fastest_first(figures);
    table rows({"engine", ">ns/op", ">+-", ">p50", ">p99", ">p99.9", ">p99.99", ">peak memory", ">memory/live", ">at start", "why not"});
    for (const auto& f : figures) {
        if (!f.refused.empty()) {
            rows.row({f.engine.name, "-", "-", "-", "-", "-", "-", "-", "-", "-", f.refused});
        } else {
            rows.row({f.engine.name, fmt::format("{:.1f}", f.ns_per_op), fmt::format("{:.1f}", f.ns_spread),
                      fmt::format("{:.0f}", f.p50), fmt::format("{:.0f}", f.p99), fmt::format("{:.0f}", f.p999), fmt::format("{:.0f}", f.p9999),
                      bytes_text(static_cast<double>(f.peak_footprint)), fmt::format("{:.2f}", f.peak_footprint_ratio),
                      bytes_text(static_cast<double>(f.start_memory)), ""});
        }
    }
    return rows.text();
}

nlohmann::json replay_json(const replay_facts& facts, const std::vector<replay_figures>& figures,
                           const replay_options& options, const std::string& choice) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& f : figures) {
        nlohmann::json row{{"name", f.engine.name}, {"group", f.engine.group}};
        if (!f.refused.empty()) {
            row["refused"] = f.refused;
        } else {
            row["ns_per_op"] = f.ns_per_op;
            row["ns_spread"] = f.ns_spread;
            row["ns_rounds"] = f.ns_rounds;
            row["wall_ns_per_op"] = f.wall_ns_per_op;
            if (options.latency) row.update({{"p50", f.p50}, {"p99", f.p99}, {"p999", f.p999}, {"p9999", f.p9999}, {"worst", f.worst}});
            row["start_memory"] = f.start_memory;
            row["peak_resident"] = f.peak_resident();
            row["peak_footprint"] = f.peak_footprint;
            row["end_footprint"] = f.end_footprint;
            row["peak_footprint_ratio"] = f.peak_footprint_ratio;
            row["page_faults"] = f.page_faults;
        }
        rows.push_back(std::move(row));
    }
    nlohmann::json all{{"note", replay_note(facts, options)},
                       {"steps", facts.steps - facts.lead_in - facts.awaits},
                       {"lead_in", facts.lead_in},
                       {"threads", facts.threads},
                       {"peak_bytes", facts.peak_bytes},
                       {"bytes_allocated", facts.bytes_allocated},
                       {"rounds", options.rounds},
                       {"rows", std::move(rows)}};
    if (!choice.empty()) all["choice"] = choice;
    return all;
}

}  // namespace ashlar::app
