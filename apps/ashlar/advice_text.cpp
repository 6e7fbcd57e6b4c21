// See advice_text.hpp. Every sentence that claims something carries the figures behind it.
#include "advice_text.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

double number(std::uint64_t n) { return static_cast<double>(n); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
/// 0.94 -> "6.0 % less", 1.1 -> "10.0 % more"
std::string change_text(double ratio) {
    if (std::abs(ratio - 1) < 0.0005) return "the same";
    return fmt::format("{:.1f} % {}", 100 * std::abs(1 - ratio), ratio < 1 ? "less" : "more");
}

/// Whose memory the candidates' ratios are of.
const char* memory_word(const advice& made) { return made.of_program ? "peak memory" : "heap memory"; }

/// The least power of two that nine tenths of the blocks do not exceed.
std::uint64_t common_size(const summary& s) {
    std::uint64_t seen = 0;
    for (std::size_t c = 0; c < power_classes; ++c) {
        seen += s.by_size[c].blocks;
        if (number(seen) >= 0.9 * number(s.allocations)) return power_class_to(c) + 1;
    }
    return 0;
}

/// The deepest valley between two heights of live bytes, as a share of the peak: a program that works in phases gives
/// memory back and takes it again.
double deepest_valley(const summary& s) {
    const auto buckets = s.over_time.buckets();
    std::vector<std::uint64_t> highest_after(buckets.size() + 1, 0);
    for (std::size_t i = buckets.size(); i-- > 0;) highest_after[i] = std::max(highest_after[i + 1], buckets[i].live_most);
    std::uint64_t highest = 0;
    std::uint64_t depth = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        highest = std::max(highest, buckets[i].live_most);
        const std::uint64_t rim = std::min(highest, highest_after[i + 1]);
        if (rim > buckets[i].live_least) depth = std::max(depth, rim - buckets[i].live_least);
    }
    return s.peak_bytes > 0 ? number(depth) / number(s.peak_bytes) : 0;
}

void add_behaviour(advice& made, const summary& s) {
    const double all = number(std::max<std::uint64_t>(1, s.allocations));
    const auto say = [&](std::string text, std::string evidence) { made.sentences.push_back({std::move(text), std::move(evidence)}); };
    say(fmt::format("It asked for {} blocks, {} in all; at most {} were live.", count_text(s.allocations),
                    bytes_text(number(s.bytes_allocated)), bytes_text(number(s.peak_bytes))),
        fmt::format("{} blocks live at the peak, {} after the last event", count_text(s.blocks_at_peak), count_text(s.leaked.blocks)));
    if (!s.sizes.empty()) {
        say(fmt::format("Nine of ten blocks are below {}.", bytes_text(number(common_size(s)))),
            fmt::format("the most frequent of {} sizes is {} B, {} of all", count_text(s.sizes.size()), s.sizes.front().size, percent(number(s.sizes.front().blocks) / all)));
    }
    const double temporary = number(s.temporary.blocks) / all;
    say(temporary > 0.3   ? "Much of it is last in, first out: a block is freed before its thread asks for the next."
        : temporary > 0.05 ? "Some of it is last in, first out."
                           : "Blocks outlive one another: little of it is last in, first out.",
        percent(temporary) + " of the blocks were freed before their thread allocated again");
    if (number(s.reallocations) > 0.01 * all) {
        say("Blocks grow by realloc.", fmt::format("{} reallocations, {} of them in place when recorded", count_text(s.reallocations),
                                                   share_text(number(s.reallocations_in_place), number(s.reallocations))));
    }
    if (s.threads > 1) {
        const double remote = number(s.remote.blocks) / std::max(1.0, number(s.frees));
        say(remote > 0.05 ? "Blocks wander between threads." : "Threads keep their blocks to themselves.",
            fmt::format("{} threads, {} of the frees by another thread than allocated", s.threads, percent(remote)));
    }
    const double valley = deepest_valley(s);
    say(valley > 0.3 ? "It works in phases: memory is given back and taken again." : "It works in one phase: memory grows to its peak, and little of it is given back in between.",
        fmt::format("the deepest valley between two heights of the live bytes is {} of the peak", percent(valley)));
}

void add_share(advice& made, const advice_input& input, const advice_choice& choice) {
    const auto& own = made.candidates.front().figures;
    if (!own.refused.empty()) return;
    made.sentences.push_back(
        {fmt::format("Its own malloc takes about {} of its run time, so no other malloc can save more than that.", percent(choice.malloc_share)),
         fmt::format("{:.0f} ns an operation in {} operations replayed", own.ns_per_op, count_text(input.script.facts().steps))});
}

void add_changes(advice& made) {
    std::string list;
    for (const auto& change : made.tried) {
        if (!change.figures.refused.empty()) continue;
        list += fmt::format("{}{}: {:.1f} ns, {}", list.empty() ? "" : "; ", change.name.substr(change.name.find(", ") + 2),
                            change.figures.ns_per_op, bytes_text(number(change.figures.peak_resident())));
    }
    const bool found = made.candidates.size() > 2 && !made.candidates[2].settings.empty();
    made.sentences.push_back({found ? "Options of Ashlar's malloc were tried one by one, and those that helped taken together."
                                    : "Options of Ashlar's malloc were tried one by one; none helped, so all stay at their defaults.",
                              list});
}

std::string what_goal_asks(advice_goal goal) {
    switch (goal) {
        case advice_goal::balanced: return "time and memory together";
        case advice_goal::speed: return "run time";
        case advice_goal::memory: return "peak memory";
        case advice_goal::latency: return "the slowest operations (p99.9)";
    }
    return "";
}

void add_verdict(advice& made, const advice_choice& choice) {
    const auto& taken = made.candidates[made.choice];
    if (made.keeps_own()) {
        made.verdict = fmt::format("Keep the program's own malloc: no other is expected to gain {} or more in {}.",
                                   percent(choice.least_gain), what_goal_asks(made.goal));
        for (std::size_t i = 1; i < made.candidates.size(); ++i) {
            const auto& other = made.candidates[i];
            if (!other.figures.refused.empty()) {
                made.sentences.push_back({other.name + " could not serve the trace.", other.figures.refused});
            } else {
                made.sentences.push_back({fmt::format("{} would take {} run time and {} {}.", other.name, change_text(other.ratios.run), change_text(other.ratios.memory), memory_word(made)),
                                          fmt::format("{:.1f} ns an operation, {} at most", other.figures.ns_per_op, bytes_text(number(other.figures.peak_resident())))});
            }
        }
        return;
    }
    made.verdict = fmt::format("Use {}: {} run time and {} {} expected.", taken.name, change_text(taken.ratios.run), change_text(taken.ratios.memory), memory_word(made));
    const auto& own = made.candidates.front().figures;
    made.sentences.push_back({fmt::format("Replayed on {} the trace costs less, as the goal \"{}\" asks.", taken.name, name(made.goal)),
                              fmt::format("{:.1f} instead of {:.1f} ns an operation, {} instead of {} at most", taken.figures.ns_per_op, own.ns_per_op,
                                          bytes_text(number(taken.figures.peak_resident())), bytes_text(number(own.peak_resident())))});
}

nlohmann::json candidate_json(const advised_malloc& c) {
    nlohmann::json row{{"name", c.name}, {"settings", c.settings}};
    if (!c.figures.refused.empty()) {
        row["refused"] = c.figures.refused;
        return row;
    }
    row.update({{"ns_per_op", c.figures.ns_per_op}, {"ns_spread", c.figures.ns_spread}, {"peak_resident", c.figures.peak_resident()},
                {"on_front", c.on_front}, {"run_ratio", c.ratios.run}, {"memory_ratio", c.ratios.memory}});
    if (c.figures.p999 > 0) row["p999"] = c.figures.p999;
    return row;
}

}  // namespace

std::string conf_text(const advice& made, const std::string& program, const std::string& trace) {
    const auto& taken = made.candidates[made.choice];
    const auto& own = made.candidates.front().figures;
    std::string text = fmt::format(
        "# Options for Ashlar's malloc, chosen by ashlar {} for: {}\n"
        "# From the trace {}, goal {}.\n"
        "# Expected against the program's own malloc: {} run time, {} {}\n"
        "# ({:.1f} instead of {:.1f} ns an operation; {} instead of {} at most).\n"
        "# Use it: ashlar run --conf THIS_FILE -- PROGRAM\n"
        "version = 1\n",
        ASHLAR_VERSION, printable(program), printable(trace), name(made.goal), change_text(taken.ratios.run), change_text(taken.ratios.memory), memory_word(made),
        taken.figures.ns_per_op, own.ns_per_op, bytes_text(number(taken.figures.peak_resident())), bytes_text(number(own.peak_resident())));
    if (taken.settings.empty()) text += "# Every option stays at its default.\n";
    for (const auto& line : taken.settings) text += line + "\n";
    return text;
}

void explain(advice& made, const advice_input& input, const advice_choice& choice) {
    auto of_sites = std::move(made.sentences);
    made.sentences.clear();
    add_behaviour(made, input.about);
    add_share(made, input, choice);
    add_changes(made);
    for (auto& sentence : of_sites) made.sentences.push_back(std::move(sentence));
    add_verdict(made, choice);
    if (made.takes_ours()) made.conf = conf_text(made, input.program, input.trace);
}

nlohmann::json advice_json(const advice& made) {
    nlohmann::json sentences = nlohmann::json::array();
    for (const auto& s : made.sentences) sentences.push_back({{"text", s.text}, {"evidence", s.evidence}});
    nlohmann::json candidates = nlohmann::json::array();
    for (const auto& c : made.candidates) candidates.push_back(candidate_json(c));
    nlohmann::json tried = nlohmann::json::array();
    for (const auto& c : made.tried) tried.push_back(candidate_json(c));
    nlohmann::json all{{"goal", name(made.goal)}, {"verdict", made.verdict}, {"choice", made.candidates[made.choice].name},
                       {"malloc_share", made.malloc_share}, {"sentences", sentences}, {"candidates", candidates}, {"tried", tried}};
    if (!made.conf.empty()) all["conf"] = made.conf;
    return all;
}

std::string advice_table(const advice& made) {
    table rows({"malloc", ">ns/op", ">+-", ">p99.9", ">peak memory", ">run time", ">memory", "front", ""});
    for (std::size_t i = 0; i < made.candidates.size(); ++i) {
        const auto& c = made.candidates[i];
        if (!c.figures.refused.empty()) {
            rows.row({c.name, "-", "-", "-", "-", "-", "-", "", c.figures.refused});
        } else {
            rows.row({c.name, fmt::format("{:.1f}", c.figures.ns_per_op), fmt::format("{:.1f}", c.figures.ns_spread), fmt::format("{:.0f}", c.figures.p999), bytes_text(number(c.figures.peak_resident())),
                      fmt::format("{:.3f}x", c.ratios.run), fmt::format("{:.3f}x", c.ratios.memory), c.on_front ? "yes" : "", i == made.choice ? "<- chosen" : ""});
        }
    }
    return rows.text();
}

}  // namespace ashlar::app
