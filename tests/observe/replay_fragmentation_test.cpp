// The measures of looks whose figures were worked out by hand.
#include "ashlar/observe/replay_fragmentation.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace {

// steps, live, granted, held, used, regular
constexpr std::array<ashlar::replay_look, 4> looks{{
    {10, 100, 120, 200, 200, 1},  // 2.0
    {15, 400, 440, 500, 500, 0},  // most live; no regular look
    {20, 200, 240, 480, 600, 1},  // most used; 3.0
    {30, 0, 0, 0, 300, 1},        // nothing live: no ratio
}};

}  // namespace

TEST_CASE("replay_fragmentation: the four measures are those of Johnstone and Wilson", "[observe][replay_fragmentation]") {
    const auto measured = ashlar::measure_fragmentation(looks);
    CHECK(measured.mean == Approx(2.5));
    CHECK(measured.at_peak_live == Approx(1.25));
    CHECK(measured.at_peak_used == Approx(3.0));
    CHECK(measured.peaks == Approx(1.5));
}

TEST_CASE("replay_fragmentation: shares are those of the moment at which most is used", "[observe][replay_fragmentation]") {
    const auto shares = ashlar::share_fragmentation(looks);
    CHECK(shares.internal == Approx(40.0 / 240));
    CHECK(shares.external == Approx(360.0 / 600));
    CHECK(shares.scattered == Approx(0.5));
}

TEST_CASE("replay_fragmentation: of no looks, and of an empty heap, all is nothing", "[observe][replay_fragmentation]") {
    CHECK(ashlar::measure_fragmentation({}).peaks == 0);
    CHECK(ashlar::share_fragmentation({}).external == 0);
    const std::array<ashlar::replay_look, 1> empty{{{5, 0, 0, 0, 0, 1}}};
    CHECK(ashlar::measure_fragmentation(empty).mean == 0);
    CHECK(ashlar::share_fragmentation(empty).internal == 0);
}

TEST_CASE("replay_fragmentation: memory that was never written makes no share negative", "[observe][replay_fragmentation]") {
    const std::array<ashlar::replay_look, 1> untouched{{{5, 1000, 900, 100, 50, 1}}};
    const auto shares = ashlar::share_fragmentation(untouched);
    CHECK(shares.internal == 0);
    CHECK(shares.external == 0);
    CHECK(shares.scattered == 0);
}
