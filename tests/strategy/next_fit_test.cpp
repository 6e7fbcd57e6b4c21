#include "ashlar/strategy/next_fit.hpp"

#include <catch2/catch.hpp>

#include "ashlar/strategy/free_list.hpp"
#include "support/enrol.hpp"
#include "support/fit_row.hpp"
#include "support/naive_fit.hpp"
#include "support/serves.hpp"

using support::fit_row;

TEST_CASE("next_fit: goes on from where the last search ended, then round", "[strategy][next_fit]") {
    fit_row<ashlar::next_fit> row({64, 256, 48, 128});
    CHECK(row.take(100) == 1);
    CHECK(row.take(100) == 3);  // 1 is gone
    CHECK(row.take(48) == 0);   // nothing ahead: round
    CHECK(row.take(48) == 2);
    CHECK(row.take(48) == -1);
}

TEST_CASE("next_fit: first looks again at what its last block left over", "[strategy][next_fit]") {
    fit_row<ashlar::next_fit> row({64, 256, 64});
    CHECK(row.take(64) == 0);
    row.give(0);
    CHECK(row.take(64) == 0);  // the rover stands on it
    CHECK(row.take(64) == 1);
}

TEST_CASE("next_fit: without a search before it is first fit", "[strategy][next_fit]") {
    support::compare_with_scan<ashlar::next_fit>([](const auto& fitting) { return fitting.front(); });
}

TEST_CASE("next_fit: a heap grants the very addresses that a heap grants which looks at all", "[strategy][next_fit]") {
    support::compare_with_naive<ashlar::next_fit>(true);
}

ASHLAR_ENROL("next_fit",
             [](ashlar::testing::ground& g) {
                 using upstream = ashlar::testing::ground::upstream_type;
                 return ashlar::free_list<ashlar::next_fit, upstream>(g.upstream(), 4096);
             },
             ashlar::tests::serves_runs(48));
