// The least gains are set where two recordings of the same program still agree: below them a choice would change
// from one day to the next.
#include "ashlar/observe/advice.hpp"

#include <algorithm>
#include <cmath>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {
namespace {

double least_gain_of(advice_goal goal) noexcept {
    switch (goal) {
        case advice_goal::balanced: return 0.03;
        case advice_goal::speed: return 0.02;
        case advice_goal::memory: return 0.05;
        case advice_goal::latency: return 0.10;
    }
    return 0.05;
}

/// Memory weighs half as much as time where both are asked for: time is paid for always, memory at the peak.
double score_of(advice_goal goal, const advice_ratios& r) noexcept {
    switch (goal) {
        case advice_goal::balanced: return r.run * std::sqrt(r.memory);
        case advice_goal::speed: return r.run;
        case advice_goal::memory: return r.memory;
        case advice_goal::latency: return r.tail;
    }
    return 1;
}

/// `added` is memory in bytes, beyond what the program has now.
bool tolerable(advice_goal goal, const advice_ratios& r, double added, const advice_tolerance& most) noexcept {
    // Who asks for memory pays with time, and the other way round, but not without bound.
    const double slack = goal == advice_goal::balanced ? 1.0 : 5.0;
    const auto within = [slack](double ratio, double limit) { return ratio <= 1 + slack * (limit - 1); };
    const bool small = goal != advice_goal::memory && added <= most.added_bytes;
    return within(r.run, most.run) && (small || within(r.memory, most.memory)) &&
           (goal == advice_goal::memory || r.tail == 0 || within(r.tail, most.tail));
}

advice_ratios compare(const advice_case& about, const advice_candidate& now, const advice_candidate& other,
                      const advice_tolerance& tolerance) {
    advice_ratios r;
    const double saved = (now.ns_per_op - other.ns_per_op) * about.steps;
    r.run = about.run_ns > 0 ? std::max(0.05, 1 - saved / about.run_ns) : 1;
    const double whole = std::max(about.run_bytes, now.footprint);
    r.memory = whole > 0 ? 1 + (other.footprint - now.footprint) / whole : 1;
    r.tail = now.p999 > 0 && other.p999 > 0 ? other.p999 / now.p999 : 1;
    r.score = score_of(about.goal, r);
    r.admissible = other.served && tolerable(about.goal, r, other.footprint - now.footprint, tolerance);
    return r;
}

}  // namespace

advice_choice choose(const advice_case& about, const advice_tolerance& tolerance) {
    ASHLAR_PRE(!about.candidates.empty());
    const auto& now = about.candidates.front();
    advice_choice made;
    made.least_gain = least_gain_of(about.goal);
    made.malloc_share = about.run_ns > 0 ? std::min(1.0, now.ns_per_op * about.steps / about.run_ns) : 0;
    for (const auto& other : about.candidates) made.ratios.push_back(compare(about, now, other, tolerance));
    made.ratios.front().admissible = true;
    double best = 1 - made.least_gain;  // advice.I2
    for (std::size_t i = 1; i < made.ratios.size(); ++i) {
        if (!made.ratios[i].admissible || made.ratios[i].score > best) continue;
        best = made.ratios[i].score;
        made.choice = i;
    }
    ASHLAR_INVARIANT(made.ratios[made.choice].admissible);  // advice.I1
    return made;
}

}  // namespace ashlar
