// ashlar/compose/adaptive_decision.hpp - what an adaptive allocator sees of its requests, and when it may change its mind.
//
// Layer:      compose
// Source:     Ben-David, Borodin, Karp, Tardos, Wigderson, "On the power of randomization in on-line algorithms", 1994, for
//             what is compared with (the best fixed choice in hindsight); the growing rests are exponential back-off.
// Picture:    usage -> judge -> costs { 61, 28, 214 } -> hysteresis -> the candidate to ask from now on
// Complexity: O(number of candidates) a window.
// Failure:    none.
// Threads:    plain values.
// Invariants: adaptive_decision.I1  between two changes lie at least `least_stay` requests
//             adaptive_decision.I2  a change is made only if what it should save in `least_stay` requests is more than `price`,
//                                   or if the active candidate is overdrawn
//             adaptive_decision.I3  a candidate left before it had saved `price`, or overdrawn, rests; each such stay in a row
//                                   doubles the rest, up to 32 times least_stay. Only an overdrawn one is left for one that rests
//             adaptive_decision.I4  an overdrawn candidate is not chosen
// Checked by: tests/compose/adaptive_decision_test.cpp
//
// A judge is a pure function of a window: it says what a request, with the free that goes with it, would cost by each
// candidate. Costs are compared and added, so any unit will do; the default judges' are instructions. I1 to I3 bound
// what a workload may cost whose phases are too short to be followed: of T requests at most one change in least_stay,
// and, where no stay earns its price, about 2 T / (32 least_stay) + 12 changes in all.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ashlar {

/// A window of requests: all of it counted, a run of it watched closely. Sizes are in bytes.
struct usage {
    std::size_t active = 0;  ///< the candidate asked
    std::uint32_t grants = 0;
    std::uint32_t frees = 0;

    // Of the watched run:
    std::uint32_t watched = 0;       ///< grants in it, at least 1
    std::uint32_t watched_frees = 0;
    std::uint32_t turns = 0;         ///< grants with a free just before: few where blocks come and go in long runs
    std::uint32_t newest_first = 0;  ///< frees of the newest block
    std::uint32_t distinct = 0;      ///< size classes asked for
    std::uint32_t commonest = 0;     ///< grants of the class asked for most
    std::uint32_t above_page = 0;    ///< grants of more than 4 KiB
    std::uint64_t bytes = 0;         ///< asked for in all
    std::uint64_t small_bytes = 0;   ///< but for those above_page

    // Of the active candidate, at the end of the window:
    std::size_t live = 0;       ///< blocks
    std::size_t held = 0;       ///< bytes that it has from the upstream
    std::size_t regained = 0;   ///< bytes that it took in the window although it had as many that no live block used
};

template <std::size_t N>
using candidate_costs = std::array<std::uint32_t, N>;

/// Judges a window: what a request costs by each of N candidates. The same window, the same costs.
template <class J, std::size_t N>
concept usage_judge = requires(const J& judge, const usage& seen) {
    { judge(seen) } noexcept -> std::same_as<candidate_costs<N>>;
};

struct hysteresis_options {
    std::uint32_t least_stay = 2048;  ///< requests
    std::uint32_t price = 20'000;     ///< of a change, in the unit of the costs
};

template <std::size_t N>
class hysteresis {
    static_assert(N >= 2);

public:
    using options = hysteresis_options;

    explicit hysteresis(options wish = {}) noexcept : wish_(wish), earned_(wish.price) {}

    std::size_t active() const noexcept { return active_; }
    std::uint32_t changes() const noexcept { return changes_; }
    /// Requests until the candidate may be chosen.
    std::uint32_t rest(std::size_t candidate) const noexcept { return rest_[candidate]; }

    /// After every window. `overdrawn`: candidates that hold too much beside their live blocks.
    /// @returns the candidate to ask from now on
    std::size_t next(candidate_costs<N> costs, std::uint32_t requests, std::array<bool, N> overdrawn = {}) noexcept {
        smooth(costs);
        stayed_ = stayed_ > ~requests ? ~std::uint32_t{0} : stayed_ + requests;
        for (std::uint32_t& r : rest_) r -= requests < r ? requests : r;
        const auto anyone = [](std::size_t) { return true; };
        const std::size_t other = cheapest_other(costs, anyone);
        earned_ += (std::int64_t{costs[other]} - std::int64_t{costs[active_]}) * std::int64_t{requests};
        if (stayed_ < wish_.least_stay) return active_;  // adaptive_decision.I1
        if (overdrawn[active_]) {
            const std::size_t to = cheapest_other(smooth_, [&](std::size_t i) { return !overdrawn[i]; });
            if (to != active_) change(to, false);
            return active_;
        }
        const std::size_t best =
            cheapest_other(smooth_, [&](std::size_t i) { return rest_[i] == 0 && !overdrawn[i]; });  // adaptive_decision.I4
        if (smooth_[best] >= smooth_[active_]) return active_;
        const std::uint64_t saved = std::uint64_t{smooth_[active_] - smooth_[best]} * wish_.least_stay;
        if (saved > wish_.price) change(best, earned_ >= std::int64_t{wish_.price});  // adaptive_decision.I2
        return active_;
    }

private:
    static constexpr std::uint32_t weight = 4, most_doublings = 5, cap = 8;

    /// A window counts for a quarter; what is dearer than `cap` times the cheapest counts as that, so that it is forgotten in time.
    void smooth(candidate_costs<N>& costs) noexcept {
        std::uint32_t least = costs[0];
        for (const std::uint32_t c : costs) least = c < least ? c : least;
        const std::uint32_t most = least < ~std::uint32_t{0} / cap / weight ? (least == 0 ? 1 : least) * cap : least;
        for (std::size_t i = 0; i < N; ++i) {
            if (costs[i] > most) costs[i] = most;
            smooth_[i] = begun_ ? smooth_[i] - smooth_[i] / weight + costs[i] / weight : costs[i];
        }
        begun_ = true;
    }
    /// Of those allowed; the active one where none is.
    template <class Allowed>
    std::size_t cheapest_other(const candidate_costs<N>& of, Allowed allowed) const noexcept {
        std::size_t best = active_;
        for (std::size_t i = 0; i < N; ++i) {
            if (i != active_ && allowed(i) && (best == active_ || of[i] < of[best])) best = i;
        }
        return best;
    }
    void change(std::size_t to, bool has_paid) noexcept {
        std::uint32_t& doublings = doublings_[active_];
        if (has_paid) {
            doublings = 0;
        } else {  // adaptive_decision.I3
            rest_[active_] = wish_.least_stay << doublings;
            doublings += doublings < most_doublings;
        }
        active_ = to;
        stayed_ = 0;
        earned_ = 0;
        ++changes_;
    }

    options wish_;
    candidate_costs<N> smooth_{};
    candidate_costs<N> rest_{};
    candidate_costs<N> doublings_{};
    std::size_t active_ = 0;
    std::uint32_t stayed_ = 0;
    std::uint32_t changes_ = 0;
    std::int64_t earned_;  // what the stay saved so far; the first stay was nobody's choice
    bool begun_ = false;
};

}  // namespace ashlar
