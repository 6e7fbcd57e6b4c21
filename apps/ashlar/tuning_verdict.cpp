// See tuning_verdict.hpp.
#include "tuning_verdict.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "ashlar/observe/replay_statistics.hpp"
#include "table.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

using runs_of = std::vector<double> trial_kind::*;

struct metric {
    const char* name;
    const char* unit;
    runs_of runs;
    trial_comparison trial_result::*compared;
};
constexpr metric metrics[] = {{"wall time", "ns", &trial_kind::wall, &trial_result::wall},
                              {"processor time", "ns", &trial_kind::cpu, &trial_result::cpu},
                              {"peak memory", "bytes", &trial_kind::memory, &trial_result::memory}};

const char* outcome_text(trial_outcome outcome) {
    switch (outcome) {
        case trial_outcome::same: return "the same";
        case trial_outcome::better: return "better";
        case trial_outcome::worse: break;
    }
    return "worse";
}

std::string figure(double value, const metric& m) { return m.runs == &trial_kind::memory ? bytes_text(value) : time_text(value); }

/// Of those that can be adopted the best has the least of this. Time is by both clocks: the wall's alone is that of the machine's
/// other work too.
double score_of(advice_goal goal, const trial_result& r) {
    const double time = std::sqrt(r.wall.ratio() * r.cpu.ratio());
    switch (goal) {
        case advice_goal::balanced: return time * std::sqrt(r.memory.ratio());
        case advice_goal::memory: return r.memory.ratio();
        case advice_goal::speed:
        case advice_goal::latency: break;
    }
    return time;
}

/// Ours against those that are not, metric by metric: another one may be the best in each.
void add_others(tuning_verdict& made, const std::vector<trial_kind>& kinds, const std::vector<bool>& ours) {
    if (made.ours == 0) return;
    const trial_kind& choice = kinds[made.ours];
    made.others = nlohmann::json::object();
    for (const auto& m : metrics) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < kinds.size(); ++i) {
            if (!ours[i] && kinds[i].under.tunables.empty() && median(kinds[i].*m.runs) < median(kinds[best].*m.runs)) best = i;
        }
        const auto compared = compare({kinds[best].*m.runs, choice.*m.runs});
        made.others[m.name] = {{"best", kinds[best].name}, {"ratio", compared.ratio()}, {"outcome", outcome_text(compared.outcome)}};
        made.against_others += fmt::format("{}{} {:.3f}x of {}'s{}", made.against_others.empty() ? "" : ", ", m.name, compared.ratio(), kinds[best].name,
                                           compared.outcome == trial_outcome::same ? " (within the spread)" : "");
    }
    made.against_others = fmt::format("{} against the best of the others in each: {}.", choice.name, made.against_others);
}

}  // namespace

std::string ratios_text(const trial_result& result) {
    std::string text;
    for (const auto& m : metrics) {
        const auto& c = result.*m.compared;
        text += fmt::format("{}{} {:.3f}x{}", text.empty() ? "" : ", ", m.name, c.ratio(), c.outcome == trial_outcome::same ? " (within the spread)" : "");
    }
    return text + " of the default's";
}

tuning_verdict judge_kinds(advice_goal goal, const std::vector<trial_kind>& kinds, const std::vector<bool>& ours) {
    tuning_verdict made;
    for (const auto& kind : kinds) {
        made.results.push_back(judge(goal, {kinds[0].wall, kind.wall}, {kinds[0].cpu, kind.cpu}, {kinds[0].memory, kind.memory}));
    }
    const auto better = [&](std::size_t a, std::size_t b) { return score_of(goal, made.results[a]) < score_of(goal, made.results[b]); };
    for (std::size_t i = 1; i < kinds.size(); ++i) {
        if (!kinds[i].under.tunables.empty()) continue;
        const bool gains = made.results[i].adopt;
        if (made.choice == 0 || (gains && !made.adopted) || (gains == made.adopted && better(i, made.choice))) made.choice = i;
        made.adopted = made.adopted || gains;
        if (ours[i] && (made.ours == 0 || better(i, made.ours))) made.ours = i;
    }
    if (ours[made.choice]) made.ours = made.choice;
    const std::string& name = kinds[made.choice].name;
    const auto figures = ratios_text(made.results[made.choice]);
    made.text = made.adopted ? fmt::format("Use {}: {}.", name, figures)
                             : fmt::format("Keep the default: under {} nothing is gained for the goal \"{}\" beyond the spread of the runs ({}).", name, ashlar::name(goal), figures);
    add_others(made, kinds, ours);
    for (std::size_t i = 1; i < kinds.size(); ++i) {
        if (kinds[i].under.tunables.empty()) continue;
        made.against_others += fmt::format("{}The default with GLIBC_TUNABLES={}: {}.", made.against_others.empty() ? "" : " ", kinds[i].under.tunables, ratios_text(made.results[i]));
    }
    return made;
}

std::string verdict_table(const std::vector<trial_kind>& kinds, const tuning_verdict& verdict) {
    app::table rows({"malloc", ">wall time", ">", ">processor time", ">", ">peak memory", ">", ""});
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        std::vector<std::string> row{kinds[i].name};
        for (const auto& m : metrics) {
            const auto& c = verdict.results[i].*m.compared;
            row.push_back(fmt::format("{} +- {}", figure(c.choice_median, m), figure(c.choice_spread, m)));
            row.push_back(fmt::format("{:.3f}x", c.ratio()));
        }
        row.emplace_back(verdict.adopted && i == verdict.choice ? "<- chosen" : "");
        rows.row(row);
    }
    return rows.text();
}

nlohmann::json metrics_json(const std::vector<trial_kind>& kinds, const tuning_verdict& verdict) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& m : metrics) {
        nlohmann::json runs = nlohmann::json::array();
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            const auto& c = verdict.results[i].*m.compared;
            runs.push_back({{"name", kinds[i].name}, {"values", kinds[i].*m.runs}, {"median", c.choice_median}, {"spread", c.choice_spread}});
        }
        all.push_back({{"name", m.name}, {"unit", m.unit}, {"better", "lower"}, {"outcome", outcome_text((verdict.results[verdict.choice].*m.compared).outcome)}, {"runs", runs}});
    }
    return all;
}

}  // namespace ashlar::app
