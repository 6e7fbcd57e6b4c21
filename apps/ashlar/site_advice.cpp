// See site_advice.hpp.
#include "site_advice.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>

#include <fmt/core.h>

#include "ashlar/malloc/site_rules.hpp"
#include "installation.hpp"
#include "site_study.hpp"
#include "symbols.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

double number(std::uint64_t n) { return static_cast<double>(n); }

/// As a word of a conf.
std::string plain(std::string text) {
    for (char& c : text) {
        if (!std::isalnum(static_cast<unsigned char>(c)) && std::string_view("._+-").find(c) == std::string_view::npos) c = '_';
    }
    return text;
}
bool is_c_name(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

/// Writes places as a conf has them, and functions as people call them.
class place_names {
public:
    place_names(const trace_reader& trace, const std::vector<proposed_route>& routes)
        : stacks_(trace.stacks()), info_(trace.info()), symbols_(stacks_, info_, wanted(trace, routes), {}) {}

    /// "" where it cannot be told for sure: code made at run time, a file without a build id.
    std::string of(std::uint32_t place) const {
        const trace_place& p = stacks_.places()[place];
        if (p.module == 0 || p.module >= stacks_.modules().size()) return "";
        const trace_module& m = stacks_.modules()[p.module];
        if (m.build_id.size() < 4) return "";
        std::string id;
        for (std::size_t i = 0; i < std::min<std::size_t>(8, m.build_id.size()); ++i) id += fmt::format("{:02x}", m.build_id[i]);
        const std::string path = m.path.empty() ? info_.executable : m.path;
        const std::string symbol = symbols_.of(place).back().function;
        return fmt::format("{}:{}:0x{:x}{}", plain(path.substr(path.rfind('/') + 1)), id, p.offset, is_c_name(symbol) ? ":" + symbol : "");
    }
    std::string words_of(const proposed_site& site) const {
        std::string words;
        for (const auto place : site.places) words += (words.empty() ? "" : " called by ") + printable(symbols_.of(place).back().function);
        return words;
    }

private:
    static std::vector<bool> wanted(const trace_reader& trace, const std::vector<proposed_route>& routes) {
        std::vector<bool> wanted(trace.stacks().places().size());
        for (const auto& r : routes) {
            for (const auto& s : r.sites) {
                for (const auto place : s.places) wanted[place] = true;
            }
        }
        return wanted;
    }

    const trace_stacks& stacks_;
    const trace_info& info_;
    symbols symbols_;
};

std::string conf_of(const std::vector<std::string>& settings, const std::vector<std::string>& routes) {
    std::string text = "version = 1\nroutes_at_exit = off\n";
    for (const auto& line : settings) text += line + "\n";
    for (const auto& line : routes) text += line + "\n";
    return text;
}

std::string route_line(std::size_t number, const proposed_route& r) {
    const std::uint64_t kib = (r.most_held + 65536) / 1024;
    return fmt::format("route = {} {} expects {} blocks {} KiB", number + 1, r.arena ? "arena" : fmt::format("pool {}", r.size), r.blocks, kib);
}

double score(advice_goal goal, double run, double memory) {
    switch (goal) {
        case advice_goal::memory: return memory;
        case advice_goal::balanced: return run * std::sqrt(memory);
        default: return run;
    }
}

class site_trial {
public:
    site_trial(const advice_input& input, const std::vector<std::string>& settings, const advice_settings& how, const replay_script& script,
               const std::vector<proposed_route>& routes)
        : input_(input), settings_(settings), how_(how), script_(script), routes_(routes) {}

    struct ratios {
        double time = 1, memory = 1, run = 1;
    };
    /// Each set of routes against none.
    std::vector<ratios> against_none(const std::vector<std::vector<std::size_t>>& sets, unsigned rounds, const replay_progress& progress) const {
        std::vector<replay_engine> engines{{"ours", "sites", own_malloc_for(conf_of(settings_, {})), conf_of(settings_, {})}};
        for (const auto& set : sets) {
            std::vector<std::string> lines;
            for (const auto r : set) lines.push_back(route_line(r, routes_[r]));
            engines.push_back({"ours, call sites", "sites", own_library(our_obeying_malloc), conf_of(settings_, lines)});
        }
        replay_options options = how_.replay;
        options.check = options.latency = options.placement = false;
        options.rounds = rounds;
        const auto figures = replay_on(script_, engines, options, progress);
        std::vector<ratios> all;
        for (std::size_t i = 1; i < figures.size(); ++i) all.push_back(ratios_of(figures[0], figures[i], sets[i - 1]));
        return all;
    }

private:
    ratios ratios_of(const replay_figures& none, const replay_figures& with, const std::vector<std::size_t>& set) const {
        if (!none.refused.empty() || !with.refused.empty()) return {2, 2, 2};
        // A replay names the route; the program's call is looked up: 7 instructions, and some 100 where a rule is about it.
        std::uint64_t ruled = 0;
        for (const auto r : set) ruled += routes_[r].blocks;
        const double steps = std::max(1.0, number(input_.script.facts().steps));
        const double looking_up = 0.7 * number(input_.script.facts().allocations) / steps + 10 * number(ruled) / steps;
        ratios r;
        r.time = none.ns_per_op > 0 ? (with.ns_per_op + looking_up) / none.ns_per_op : 1;
        r.memory = none.peak_footprint > 0 ? number(with.peak_footprint) / number(none.peak_footprint) : 1;
        const double run_ns = how_.run_ns > 0 ? how_.run_ns : number(input_.about.duration_ns);
        r.run = run_ns > 0 ? 1 + (with.ns_per_op + looking_up - none.ns_per_op) * steps / run_ns : 1;
        return r;
    }

    const advice_input& input_;
    const std::vector<std::string>& settings_;
    const advice_settings& how_;
    const replay_script& script_;
    const std::vector<proposed_route>& routes_;
};

advice_sentence reason_of(const proposed_route& r, std::size_t at, const place_names& names, const site_trial::ratios& alone) {
    std::string sites = names.words_of(r.sites.front());
    if (r.sites.size() > 1) sites += fmt::format(" and {} more call site{}", r.sites.size() - 1, r.sites.size() > 2 ? "s" : "");
    const std::string what = r.arena ? fmt::format("Route {}, an arena for {}: its blocks stay, and side by side they need no rounding to classes.", at + 1, sites)
                                     : fmt::format("Route {}, a pool of {} B for {}: blocks of that one size are rounded to none.", at + 1, (r.size + 15) / 16 * 16, sites);
    return {what, fmt::format("{} blocks; {} instead of {} at the peak; alone it changes peak memory to {:.3f}x in replay", count_text(r.blocks),
                              bytes_text(number(r.held)), bytes_text(number(r.in_classes)), alone.memory)};
}

/// The lines of the routes that are kept, and a sentence for each.
void write_rules(site_advice& made, const advice_input& input, const std::vector<proposed_route>& routes, const std::vector<std::size_t>& kept,
                 const place_names& names, const std::vector<site_trial::ratios>& single, const site_trial::ratios& best) {
    std::uint64_t ruled = 0;
    std::size_t length = 0, sites = 0;
    for (std::size_t n = 0; n < kept.size(); ++n) {
        const proposed_route& r = routes[kept[n]];
        std::vector<std::string> lines;
        for (const auto& site : r.sites) {
            std::string line;
            for (const auto place : site.places) {
                const std::string word = names.of(place);
                line += word.empty() ? "\n" : (line.empty() ? fmt::format("site = {} ", n + 1) : " < ") + word;
            }
            if (line.find('\n') != line.npos || sites == malloc::most_site_rules || length + line.size() > 6000) continue;
            length += line.size() + 1;
            ++sites;
            lines.push_back(line);
        }
        if (lines.empty()) continue;
        made.settings.push_back(route_line(n, r));
        made.settings.insert(made.settings.end(), lines.begin(), lines.end());
        ruled += r.blocks;
        made.sentences.push_back(reason_of(r, n, names, kept[n] < single.size() ? single[kept[n]] : best));
    }
    made.settings.push_back(fmt::format("rest = expects {} blocks", input.about.allocations - std::min(ruled, input.about.allocations)));
}

}  // namespace

site_advice advise_sites(const advice_input& input, const std::vector<std::string>& settings, const advice_settings& how,
                         const replay_progress& progress) {
    site_advice made;
    auto trace = open_trace(input.trace);
    if (!trace.info().has_stacks) {
        made.sentences.push_back({"Call sites were not looked at: the trace has no call stacks.", "ashlar record --stacks=8 tells them"});
        return made;
    }
    const auto routes = study_sites(trace, input.about);
    if (routes.empty()) {
        made.sentences.push_back({"No call site is worth a pool or an arena of its own.", "of none the blocks would take 2 % and 32 KiB less at the peak than in size classes"});
        return made;
    }
    trace.rewind();
    const replay_script script(input.script, routes_of_grants(trace, routes));
    const site_trial trial(input, settings, how, script, routes);

    std::vector<std::vector<std::size_t>> alone;
    for (std::size_t r = 0; r < std::min<std::size_t>(8, routes.size()); ++r) alone.push_back({r});
    const auto single = trial.against_none(alone, 2, [&](const std::string& what, double share) { progress(what, 0.6 * share); });
    std::vector<std::size_t> kept;
    for (std::size_t r = 0; r < single.size(); ++r) {
        if (score(how.goal, single[r].run, single[r].memory) < 0.998 && single[r].run < 1.02) kept.push_back(r);
    }
    std::vector<std::size_t> all;
    for (std::size_t r = 0; r < routes.size(); ++r) all.push_back(r);
    if (kept.empty()) kept = all;
    const auto together = trial.against_none({kept, all}, std::max(2u, how.replay.rounds), [&](const std::string& what, double share) { progress(what, 0.6 + 0.4 * share); });
    const bool all_is_better = score(how.goal, together[1].run, together[1].memory) < 0.998 * score(how.goal, together[0].run, together[0].memory);
    const auto& best = together[all_is_better ? 1 : 0];
    if (all_is_better) kept = all;
    if (score(how.goal, best.run, best.memory) > 0.99) {
        made.sentences.push_back({"Rules for call sites were tried, and gain too little.",
                                  fmt::format("{} pools and arenas together: {:.3f}x peak memory, {:.3f}x the time of an operation in replay", kept.size(), best.memory, best.time)});
        return made;
    }
    write_rules(made, input, routes, kept, place_names(trace, routes), single, best);
    made.time_ratio = best.time;
    made.memory_ratio = best.memory;
    return made;
}

}  // namespace ashlar::app
