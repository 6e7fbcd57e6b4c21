// "Not worse elsewhere": a metric that the goal does not ask for may be worse by so little that nobody would mind, even
// where the runs are steady enough to show it: 2 % of time, 5 % of memory.
#include "ashlar/observe/advice_trial.hpp"

#include <algorithm>
#include <cmath>

#include "ashlar/observe/replay_statistics.hpp"

namespace ashlar {

trial_comparison compare(const trial_metric& runs, double least) {
    trial_comparison made{median(runs.now), spread(runs.now), median(runs.choice), spread(runs.choice), trial_outcome::same};
    if (runs.now.size() < 2 || runs.choice.size() < 2) return made;
    const double difference = made.now_median - made.choice_median;
    const double noise = 2 * std::max(made.now_spread, made.choice_spread);  // advice_trial.I1
    if (std::fabs(difference) <= noise || std::fabs(difference) < least * made.now_median) return made;
    made.outcome = difference > 0 ? trial_outcome::better : trial_outcome::worse;
    return made;
}

trial_result judge(advice_goal goal, const trial_metric& wall, const trial_metric& cpu, const trial_metric& memory) {
    trial_result made{compare(wall), compare(cpu), compare(memory), false};
    const bool slower = made.wall.outcome == trial_outcome::worse && made.wall.ratio() > 1.02;
    const bool larger = made.memory.outcome == trial_outcome::worse && made.memory.ratio() > 1.05;
    const bool faster = made.wall.outcome == trial_outcome::better;
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
