#include "ashlar/compose/adaptive_decision.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace ashlar;

namespace {
constexpr hysteresis_options wish{.least_stay = 4096, .price = 20'000};
constexpr std::uint32_t window = 1024;
using costs = candidate_costs<2>;

/// What the whole cost, had every window been served by the candidate active in it; a change costs its price.
template <class CostsOf>
struct played {
    hysteresis<2> h{wish};
    std::uint64_t paid = 0, first = 0, second = 0;
    std::vector<std::size_t> changed_at;
    played(CostsOf costs_of, std::size_t windows) {
        for (std::size_t i = 0; i < windows; ++i) {
            const costs c = costs_of(i);
            const std::size_t before = h.active();
            paid += std::uint64_t{c[before]} * window;
            first += std::uint64_t{c[0]} * window;
            second += std::uint64_t{c[1]} * window;
            if (h.next(c, window) == before) continue;
            paid += wish.price;
            changed_at.push_back(i * window);
        }
    }
    double over_best() const { return static_cast<double>(paid) / static_cast<double>(first < second ? first : second); }
};
}  // namespace

TEST_CASE("adaptive_decision: between two changes lie at least so many requests", "[compose][adaptive_decision]") {
    for (const std::size_t period : {1U, 2U, 3U, 5U, 8U, 13U, 40U}) {
        const played p([=](std::size_t i) { return i / period % 2 == 0 ? costs{500, 10} : costs{10, 500}; }, 500);
        for (std::size_t i = 1; i < p.changed_at.size(); ++i) {
            CHECK(p.changed_at[i] - p.changed_at[i - 1] >= wish.least_stay);  // adaptive_decision.I1
        }
    }
}

TEST_CASE("adaptive_decision: a gain that does not pay for the change is left", "[compose][adaptive_decision]") {
    const played little([](std::size_t) { return costs{104, 100}; }, 1000);
    CHECK(little.h.changes() == 0);  // adaptive_decision.I2: 4 x 4096 < 20,000
    const played enough([](std::size_t) { return costs{106, 100}; }, 1000);
    CHECK((enough.h.changes() == 1 && enough.h.active() == 1));
}

TEST_CASE("adaptive_decision: it follows phases that are long enough and beats either fixed choice", "[compose][adaptive_decision]") {
    const played p([](std::size_t i) { return i / 50 % 2 == 0 ? costs{30, 90} : costs{150, 60}; }, 1000);
    CHECK((p.h.changes() >= 19 && p.h.changes() <= 20));
    CHECK(p.over_best() < 0.75);
}

TEST_CASE("adaptive_decision: a workload that alternates faster than it can be followed is served by the better mean", "[compose][adaptive_decision]") {
    for (const std::size_t period : {1U, 2U, 3U}) {
        const played p([=](std::size_t i) { return i / period % 2 == 0 ? costs{30, 90} : costs{200, 60}; }, 2000);
        CHECK(p.over_best() < 1.1);
    }
}

TEST_CASE("adaptive_decision: one that turns at the worst moment is followed less and less often", "[compose][adaptive_decision]") {
    hysteresis<2> h(wish);
    std::uint64_t paid = 0, fixed[2] = {};
    constexpr std::size_t windows = 8000;
    for (std::size_t i = 0; i < windows; ++i) {
        const costs c = h.active() == 0 ? costs{200, 20} : costs{20, 200};  // whatever it is at is wrong
        const std::uint32_t before = h.changes();
        paid += std::uint64_t{200} * window;
        fixed[0] += std::uint64_t{c[0]} * window;
        fixed[1] += std::uint64_t{c[1]} * window;
        h.next(c, window);
        paid += (h.changes() - before) * wish.price;
    }
    // adaptive_decision.I3: two candidates, rests of 32 times the least stay
    CHECK(h.changes() <= 2 * windows * window / (32 * wish.least_stay) + 12);
    // No rule without foresight does better than twice the best fixed choice here.
    const std::uint64_t best = fixed[0] < fixed[1] ? fixed[0] : fixed[1];
    CHECK(static_cast<double>(paid) / static_cast<double>(best) < 2.1);
}

TEST_CASE("adaptive_decision: a fruitless stay rests its candidate, twice as long each time", "[compose][adaptive_decision]") {
    hysteresis<2> h(wish);
    std::uint32_t longest = 0, last = 0;
    for (int i = 0; i < 4000; ++i) {
        h.next(h.active() == 0 ? costs{200, 20} : costs{20, 200}, window);
        const std::uint32_t rest = h.rest(1 - h.active());
        if (rest > last) CHECK((rest % wish.least_stay == 0 && (rest >= longest || rest >= wish.least_stay)));
        longest = rest > longest ? rest : longest;
        last = rest;
    }
    CHECK(longest == 32 * wish.least_stay);  // adaptive_decision.I3
}

TEST_CASE("adaptive_decision: one absurd window is soon forgotten", "[compose][adaptive_decision]") {
    hysteresis<2> h(wish);
    for (int i = 0; i < 20; ++i) h.next({50, 60}, window);
    h.next({~std::uint32_t{0}, 60}, window);
    int windows = 0;
    for (; windows < 100 && (h.active() != 0 || windows == 0); ++windows) h.next({50, 90}, window);
    CHECK(windows < 40);
    CHECK(h.active() == 0);
}
