// Runs are compared by their medians against their spread, and pair by pair; the verdict follows the goal.
#include "ashlar/observe/advice_trial.hpp"

#include <catch2/catch.hpp>

using ashlar::advice_goal;
using ashlar::trial_metric;
using ashlar::trial_outcome;

namespace {

const trial_metric faster{{100, 101, 99, 100, 102}, {80, 81, 80, 79, 82}};
const trial_metric slower{{100, 101, 99, 100, 102}, {120, 121, 119, 122, 120}};
const trial_metric equal{{100, 101, 99, 100, 102}, {100, 102, 99, 101, 100}};
const trial_metric noisy{{100, 150, 70, 130, 90}, {80, 120, 60, 110, 95}};

}  // namespace

TEST_CASE("advice_trial: a difference counts only beyond twice the spread", "[observe][advice_trial]") {
    CHECK(ashlar::compare(faster).outcome == trial_outcome::better);
    CHECK(ashlar::compare(slower).outcome == trial_outcome::worse);
    CHECK(ashlar::compare(equal).outcome == trial_outcome::same);
    CHECK(ashlar::compare(noisy).outcome == trial_outcome::same);
}

TEST_CASE("advice_trial: where runs scatter, pairs that agree count", "[observe][advice_trial]") {
    const trial_metric busy{{100, 190, 105, 200, 98, 185}, {80, 150, 84, 165, 79, 150}};
    CHECK(ashlar::compare(busy).outcome == trial_outcome::better);
    CHECK(ashlar::compare({busy.choice, busy.now}).outcome == trial_outcome::worse);
    trial_metric fewer = busy;
    fewer.now.resize(4);
    fewer.choice.resize(4);
    CHECK(ashlar::compare(fewer).outcome == trial_outcome::same);  // chance does it once in 16
    trial_metric mixed = busy;
    mixed.choice[2] = 120;
    CHECK(ashlar::compare(mixed).outcome == trial_outcome::same);
    CHECK(ashlar::compare({{100, 190, 105, 200, 98, 185}, {99.9, 189, 104.9, 199, 97.9, 184}}).outcome == trial_outcome::same);
}

TEST_CASE("advice_trial: a difference too small to matter is none, however steady the runs", "[observe][advice_trial]") {
    CHECK(ashlar::compare({{1000, 1000, 1000}, {995, 995, 995}}).outcome == trial_outcome::same);
}

TEST_CASE("advice_trial: one run is no evidence", "[observe][advice_trial]") {
    CHECK(ashlar::compare({{100}, {1}}).outcome == trial_outcome::same);
}

TEST_CASE("advice_trial: the choice is adopted for what the goal asks and not at the price of the rest", "[observe][advice_trial]") {
    CHECK(ashlar::judge(advice_goal::balanced, faster, faster, equal).adopt);
    CHECK(ashlar::judge(advice_goal::balanced, equal, equal, faster).adopt);
    CHECK_FALSE(ashlar::judge(advice_goal::balanced, faster, faster, slower).adopt);
    CHECK(ashlar::judge(advice_goal::speed, equal, faster, equal).adopt);  // the processor's time, less disturbed
    CHECK_FALSE(ashlar::judge(advice_goal::speed, slower, faster, equal).adopt);
    CHECK_FALSE(ashlar::judge(advice_goal::balanced, equal, equal, equal).adopt);
    CHECK_FALSE(ashlar::judge(advice_goal::balanced, slower, slower, faster).adopt);
    CHECK(ashlar::judge(advice_goal::speed, faster, faster, slower).adopt);
    CHECK_FALSE(ashlar::judge(advice_goal::memory, faster, faster, equal).adopt);
    CHECK_FALSE(ashlar::judge(advice_goal::memory, slower, slower, faster).adopt);
}
