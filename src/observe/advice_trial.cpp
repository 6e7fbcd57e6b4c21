// "Not worse elsewhere": a metric that the goal does not ask for may be worse by so little that nobody would mind, even
// where the runs are steady enough to show it: 2 % of time, 5 % of memory.
#include "ashlar/observe/advice_trial.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "ashlar/observe/replay_statistics.hpp"

namespace ashlar {
namespace {

constexpr double by_chance = 0.02;

/// How likely it is that of n fair coins at least `heads` fall so.
double chance_of(std::size_t heads, std::size_t n) {
    double sum = 0, ways = 1;  // n over k
    for (std::size_t k = 0; k <= n; ++k) {
        if (k >= heads) sum += ways;
        ways = ways * static_cast<double>(n - k) / static_cast<double>(k + 1);
    }
    return std::ldexp(sum, -static_cast<int>(n));
}

/// What the pairs of neighbours say, which the machine disturbs alike when it does so for longer than a run.
trial_outcome of_pairs(const trial_metric& runs, double least) {
    const std::size_t n = std::min(runs.now.size(), runs.choice.size());
    std::size_t better = 0, worse = 0;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < n; ++i) {
        better += runs.choice[i] < runs.now[i];
        worse += runs.choice[i] > runs.now[i];
        if (runs.now[i] > 0) ratios.push_back(runs.choice[i] / runs.now[i]);
    }
    if (ratios.empty() || std::fabs(median(ratios) - 1) < least) return trial_outcome::same;
    if (chance_of(better, n) <= by_chance) return trial_outcome::better;
    return chance_of(worse, n) <= by_chance ? trial_outcome::worse : trial_outcome::same;
}

}  // namespace

trial_comparison compare(const trial_metric& runs, double least) {
    trial_comparison made{median(runs.now), spread(runs.now), median(runs.choice), spread(runs.choice), trial_outcome::same};
    if (runs.now.size() < 2 || runs.choice.size() < 2) return made;
    const double difference = made.now_median - made.choice_median;
    const double noise = 2 * std::max(made.now_spread, made.choice_spread);  // advice_trial.I1
    if (std::fabs(difference) < least * made.now_median) return made;
    if (std::fabs(difference) <= noise) {
        const trial_outcome paired = of_pairs(runs, least);
        if ((paired == trial_outcome::better) == (difference > 0)) made.outcome = paired;  // the medians say the same
        return made;
    }
    made.outcome = difference > 0 ? trial_outcome::better : trial_outcome::worse;
    return made;
}

trial_result judge(advice_goal goal, const trial_metric& wall, const trial_metric& cpu, const trial_metric& memory) {
    trial_result made{compare(wall), compare(cpu), compare(memory), false};
    const bool slower = made.wall.outcome == trial_outcome::worse && made.wall.ratio() > 1.02;
    const bool larger = made.memory.outcome == trial_outcome::worse && made.memory.ratio() > 1.05;
    // The processor time is disturbed less by what else the machine does.
    const bool faster = made.wall.outcome == trial_outcome::better ||
                        (made.cpu.outcome == trial_outcome::better && made.wall.outcome == trial_outcome::same);
    const bool smaller = made.memory.outcome == trial_outcome::better;
    switch (goal) {
        case advice_goal::balanced: made.adopt = (faster && !larger) || (smaller && !slower); break;
        case advice_goal::speed:
        case advice_goal::latency: made.adopt = faster && made.memory.ratio() <= 1.25; break;
        case advice_goal::memory: made.adopt = smaller && made.wall.ratio() <= 1.05; break;
    }
    return made;
}

}  // namespace ashlar
