// The choice follows the figures, and what the program has is kept where little is to be gained.
#include "ashlar/observe/advice.hpp"

#include <catch2/catch.hpp>

namespace {

using ashlar::advice_candidate;
using ashlar::advice_case;
using ashlar::advice_goal;

advice_candidate costing(double ns, double footprint, double p999 = 0) { return {true, ns, 0.1, p999, footprint * (1 << 20)}; }

/// A million operations in a tenth of a second.
advice_case with(advice_goal goal, std::vector<advice_candidate> candidates) {
    return {goal, 1e6, 1e8, 0, std::move(candidates)};
}

}  // namespace

TEST_CASE("advice: the share of malloc is what its operations take of the run", "[observe][advice]") {
    CHECK(ashlar::choose(with(advice_goal::balanced, {costing(20, 100)})).malloc_share == Approx(0.2));
}

TEST_CASE("advice: where malloc takes next to nothing and memory is equal, everything is kept", "[observe][advice]") {
    auto about = with(advice_goal::balanced, {costing(20, 100), costing(5, 100)});
    about.run_ns = 1e11;
    CHECK(ashlar::choose(about).choice == 0);
    about.goal = advice_goal::speed;
    CHECK(ashlar::choose(about).choice == 0);
}

TEST_CASE("advice: each goal takes the candidate that serves it best", "[observe][advice]") {
    const std::vector<advice_candidate> all{costing(40, 100, 900), costing(10, 110, 1000), costing(42, 70, 1000), costing(38, 100, 300)};
    CHECK(ashlar::choose(with(advice_goal::speed, all)).choice == 1);
    CHECK(ashlar::choose(with(advice_goal::memory, all)).choice == 2);
    CHECK(ashlar::choose(with(advice_goal::latency, all)).choice == 3);
}

TEST_CASE("advice: a candidate that is better in one thing but intolerable in another is not taken", "[observe][advice]") {
    CHECK(ashlar::choose(with(advice_goal::balanced, {costing(40, 100), costing(10, 200)})).choice == 0);
    CHECK(ashlar::choose(with(advice_goal::speed, {costing(40, 100), costing(10, 200)})).choice == 0);
    CHECK(ashlar::choose(with(advice_goal::memory, {costing(10, 100), costing(40, 50)})).choice == 0);
}

TEST_CASE("advice: a candidate that could not serve the trace is never taken", "[observe][advice]") {
    auto unable = costing(1, 1);
    unable.served = false;
    CHECK(ashlar::choose(with(advice_goal::balanced, {costing(40, 100), unable})).choice == 0);
}

TEST_CASE("advice: a gain below the goal's least is left", "[observe][advice]") {
    CHECK(ashlar::choose(with(advice_goal::speed, {costing(40, 100), costing(38.5, 100)})).choice == 0);
    CHECK(ashlar::choose(with(advice_goal::memory, {costing(40, 100), costing(40, 96)})).choice == 0);
}

TEST_CASE("advice: memory is that of the whole program where it is known", "[observe][advice]") {
    auto about = with(advice_goal::memory, {costing(40, 100), costing(40, 80)});
    CHECK(ashlar::choose(about).ratios[1].memory == Approx(0.8));
    about.run_bytes = 1000.0 * (1 << 20);
    CHECK(ashlar::choose(about).ratios[1].memory == Approx(0.98));
    CHECK(ashlar::choose(about).choice == 0);
}

TEST_CASE("advice: some MiB more are tolerable for time, and not for memory", "[observe][advice]") {
    const std::vector<advice_candidate> all{costing(40, 5), costing(10, 8)};
    CHECK(ashlar::choose(with(advice_goal::speed, all)).choice == 1);
    CHECK(ashlar::choose(with(advice_goal::memory, all)).choice == 0);
}
