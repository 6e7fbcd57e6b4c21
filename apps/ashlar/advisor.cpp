// See advisor.hpp. The words of the advice are in advice_text.cpp.
#include "advisor.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/core.h>

#include "advice_text.hpp"
#include "class_advice.hpp"
#include "installation.hpp"
#include "replay_shared.hpp"
#include "site_advice.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

replay_engine engine_of(const advised_malloc& candidate) {
    if (candidate.library.empty()) return host_engine();
    return {candidate.name, candidate.is_ours() ? "ashlar" : "peer", candidate.library,
            candidate.settings.empty() ? "" : settings_text(candidate)};
}

void replay_all(std::vector<advised_malloc>& candidates, const replay_script& script, const replay_options& options,
                const replay_progress& progress) {
    std::vector<replay_engine> engines;
    for (const auto& candidate : candidates) engines.push_back(engine_of(candidate));
    const auto figures = replay_on(script, engines, options, progress);
    for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].figures = figures[i];
}

advice_candidate cost_of(const advised_malloc& malloc) {
    const auto& f = malloc.figures;
    return {f.refused.empty(), f.ns_per_op, f.ns_spread, f.p999, static_cast<double>(f.peak_resident())};
}

advice_choice choose_among(std::vector<advised_malloc>& candidates, const advice_settings& settings, double steps, double run_ns) {
    advice_case about{settings.goal, steps, run_ns, settings.run_bytes, {}};
    for (const auto& candidate : candidates) about.candidates.push_back(cost_of(candidate));
    const auto made = choose(about);
    for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].ratios = made.ratios[i];
    return made;
}

/// Whom nobody beats: the rest is worth having for no goal at all.
void mark_front(std::vector<advised_malloc>& candidates) {
    const auto costs = [](const advised_malloc& c) { return std::array{c.ratios.run, c.ratios.memory, c.ratios.tail}; };
    const auto beats = [&](const advised_malloc& a, const advised_malloc& b) {
        const auto mine = costs(a), others = costs(b);
        return a.figures.refused.empty() && mine != others && std::equal(mine.begin(), mine.end(), others.begin(), std::less_equal<>());
    };
    for (auto& one : candidates) {
        one.on_front = one.figures.refused.empty() && std::none_of(candidates.begin(), candidates.end(), [&](const auto& other) { return beats(other, one); });
    }
}

/// The single changes worth trying for this trace.
std::vector<advised_malloc> changes_to_try(const advice_input& input, const std::vector<std::string>& classes) {
    const auto changed = [](std::string name, std::vector<std::string> settings) {
        const std::string library = own_malloc_for("version = 1\n" + settings.front() + "\n");
        return advised_malloc{"ours, " + std::move(name), library, std::move(settings)};
    };
    constexpr std::uint64_t large = 4 << 20;  // from there on blocks are the large cache's business
    std::vector<advised_malloc> list{
        changed("memory prepared by the page", {"page_extend = compact"}),
        changed("much memory prepared at a time", {"page_extend = fast"}),
        changed("free memory returned at once", {"purge_delay_ms = 0", "retain_bytes = 0"}),
        changed("free memory never returned", {"purge_delay_ms = -1"}),
    };
    if (input.about.peak_bytes >= 4u << 20) {
        list.push_back(changed("huge pages", {"thp = always"}));
        list.push_back(changed("all for little time", {"thp = always", "purge_delay_ms = -1", "page_extend = fast"}));
    }
    list.push_back(changed("all for little memory", {"page_extend = compact", "purge_delay_ms = 0", "retain_bytes = 0", "large_cache_bytes = 0"}));
    for (const auto& line : classes) list.push_back(changed("other size classes", {line}));
    if (input.script.facts().largest_bytes >= large) {
        const std::uint64_t cache = std::max<std::uint64_t>(64, 4 * input.script.facts().largest_bytes >> 20);
        list.push_back(changed("large blocks returned at once", {"large_cache_bytes = 0"}));
        if (cache > 64) list.push_back(changed("a larger cache of large blocks", {fmt::format("large_cache_bytes = {} MiB", cache)}));
    }
    return list;
}

/// Every change that is better than ours as it is, by more than the noise of its replays, whose memory has none; of two that
/// set the same option the better one's.
std::vector<std::string> settings_that_helped(std::vector<advised_malloc> tried, advice_goal goal) {
    std::sort(tried.begin(), tried.end(), [](const auto& a, const auto& b) { return a.ratios.score < b.ratios.score; });
    std::vector<std::string> settings;
    for (const auto& change : tried) {
        const bool timed = goal != advice_goal::memory && change.figures.ns_per_op > 0;
        const double noise = timed ? change.figures.ns_spread / change.figures.ns_per_op : 0;
        if (!change.ratios.admissible || change.ratios.score > 1 - std::max(0.005, 0.1 * noise)) continue;
        const auto key_of = [](const std::string& line) { return line.substr(0, line.find(' ')); };
        for (const auto& wanted : change.settings) {
            const bool taken = std::any_of(settings.begin(), settings.end(), [&](const auto& line) { return key_of(line) == key_of(wanted); });
            if (!taken) settings.push_back(wanted);
        }
    }
    return settings;
}

/// The best of ours with rules for call sites, where some gain: its figures are those without, times what replays with rules
/// came to against replays without.
void add_site_rules(advice& made, std::size_t best, const advice_input& input, const advice_settings& settings, const replay_progress& progress) {
    const advised_malloc& ours = made.candidates[best];
    if (!ours.figures.refused.empty() || input.script.facts().streams > 0 || !has_own_library(our_obeying_malloc)) return;
    site_advice sites = advise_sites(input, ours.settings, settings, progress);
    for (auto& sentence : sites.sentences) made.sentences.push_back(std::move(sentence));
    if (sites.settings.empty()) return;
    advised_malloc with = ours;
    with.name += ours.settings.empty() ? " with rules for call sites" : " and rules for call sites";
    with.library = own_library(our_obeying_malloc);
    with.settings.insert(with.settings.end(), sites.settings.begin(), sites.settings.end());
    with.figures.ns_per_op *= sites.time_ratio;
    with.figures.p999 *= std::max(1.0, sites.time_ratio);
    with.figures.peak_footprint = static_cast<std::uint64_t>(static_cast<double>(with.figures.peak_footprint) * sites.memory_ratio);
    made.candidates.push_back(std::move(with));
}

}  // namespace

replay_options as_threads_ran(replay_options options, const summary& about) {
    if (about.threads > 1 && about.threads <= most_streams) options.threads = replay_threads_mode::recorded;
    return options;
}

std::string settings_text(const advised_malloc& candidate) {
    std::string text = "version = 1\n";
    for (const auto& line : candidate.settings) text += line + "\n";
    return text;
}

bool advised_malloc::is_ours() const {
    return library == own_library(our_malloc) || (has_own_library(our_obeying_malloc) && library == own_library(our_obeying_malloc));
}

bool advice::takes_ours() const { return candidates[choice].is_ours(); }

advice advise(const advice_input& input, const advice_settings& settings, const replay_progress& progress) {
    advice made;
    made.goal = settings.goal;
    made.of_program = settings.run_bytes > 0;
    const auto steps = static_cast<double>(input.script.facts().steps);
    const double run_ns = settings.run_ns > 0 ? settings.run_ns : static_cast<double>(input.about.duration_ns);
    replay_options options = settings.replay;
    options.latency = settings.goal == advice_goal::latency;
    options.check = false;

    // First each change alone, against ours as it is: what cannot help alone is left at its default.
    const std::string ours = own_library(our_malloc);
    std::vector<advised_malloc> tried{{"ours", ours, {}}};
    class_advice classes;
    if (has_own_library(our_obeying_malloc)) classes = advise_classes(input);
    for (auto& change : changes_to_try(input, classes.lines)) tried.push_back(std::move(change));
    replay_all(tried, input.script, options, [&](const std::string& what, double share) { progress(what, 0.6 * share); });
    choose_among(tried, settings, steps, run_ns);
    tried.erase(tried.begin());
    const auto helped = settings_that_helped(tried, settings.goal);
    made.tried = std::move(tried);

    // Then the candidates against what the program has, side by side and checked.
    made.candidates = {{"the program's own malloc", "", {}}, {"Ashlar's malloc", ours, {}}};
    if (!helped.empty()) made.candidates.push_back({"Ashlar's malloc with options", own_malloc_for(settings_text({"", "", helped})), helped});
    // A replay does not walk through the blocks, so it does not see what huge pages save of that: the program's own runs do (tune).
    const bool has_huge = std::any_of(helped.begin(), helped.end(), [](const auto& line) { return line.starts_with("thp"); });
    if (input.about.peak_bytes >= 4u << 20 && !has_huge) {
        auto with_huge = helped;
        with_huge.emplace_back("thp = always");
        made.candidates.push_back({"Ashlar's malloc with huge pages", own_malloc_for(settings_text({"", "", with_huge})), with_huge});
    }
    if (!classes.sentence.text.empty()) made.sentences.push_back(classes.sentence);
    for (const auto& peer : installed_peers()) made.candidates.push_back({peer.name, peer.library, {}});
    options.check = options.latency = true;
    replay_all(made.candidates, input.script, options, [&](const std::string& what, double share) { progress(what, 0.6 + 0.25 * share); });
    // Size classes are for blocks that rules would take away: those start from ours as it is.
    const bool has_classes = std::any_of(helped.begin(), helped.end(), [](const auto& line) { return line.starts_with("classes"); });
    add_site_rules(made, helped.empty() || has_classes ? 1 : 2, input, settings, [&](const std::string& what, double share) { progress(what, 0.85 + 0.15 * share); });
    const auto choice = choose_among(made.candidates, settings, steps, run_ns);
    mark_front(made.candidates);
    made.choice = choice.choice;
    made.malloc_share = choice.malloc_share;
    explain(made, input, choice);
    return made;
}

}  // namespace ashlar::app
