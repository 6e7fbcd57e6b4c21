#include "ashlar/strategy/first_fit.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "ashlar/strategy/free_list.hpp"
#include "support/enrol.hpp"
#include "support/fit_row.hpp"
#include "support/naive_fit.hpp"
#include "support/serves.hpp"

using support::fit_row;

TEST_CASE("first_fit: takes the lowest address that is long enough", "[strategy][first_fit]") {
    fit_row<ashlar::first_fit> row({64, 48, 256, 96});
    CHECK(row.taken(80) == 2);
    CHECK(row.taken(64) == 0);
    CHECK(row.taken(257) == -1);
}

TEST_CASE("first_fit: passes a block that is long enough but holds no aligned run", "[strategy][first_fit]") {
    fit_row<ashlar::first_fit> row({256, 4096});
    CHECK(row.taken(64, 2048) == 1);
}

TEST_CASE("first_fit: agrees with looking at one block after the other", "[strategy][first_fit]") {
    support::compare_with_scan<ashlar::first_fit>([](const auto& fitting) { return fitting.front(); });
}

TEST_CASE("first_fit: a heap grants the very addresses that a heap grants which looks at all", "[strategy][first_fit]") {
    support::compare_with_naive<ashlar::first_fit>(false);
}

ASHLAR_ENROL("first_fit",
             [](ashlar::testing::ground& g) {
                 using upstream = ashlar::testing::ground::upstream_type;
                 return ashlar::free_list<ashlar::first_fit, upstream>(g.upstream(), 4096);
             },
             ashlar::tests::serves_runs(48));
