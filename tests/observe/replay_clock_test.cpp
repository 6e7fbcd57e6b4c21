// The clock goes forward, and a tick lasts what the monotonic clock says.
#include "ashlar/observe/replay_clock.hpp"

#include <catch2/catch.hpp>

TEST_CASE("replay_clock: the end of an operation is not before its beginning", "[observe][replay_clock]") {
    for (int i = 0; i < 1000; ++i) {
        const auto begin = ashlar::begin_ticks();
        REQUIRE(ashlar::end_ticks() >= begin);
    }
}

TEST_CASE("replay_clock: ticks and nanoseconds agree over ten milliseconds", "[observe][replay_clock]") {
    const double length = ashlar::nanoseconds_per_tick();
    REQUIRE(length > 0.01);
    REQUIRE(length < 100);
    const auto ns = [] { return static_cast<double>(ashlar::os::now_ns()); };
    const double before = ns();
    const auto from = ashlar::begin_ticks();
    const double begun = ns();
    while (ns() - begun < 10'000'000) {
    }
    const double ending = ns();
    const auto to = ashlar::end_ticks();
    const double after = ns();
    const double by_ticks = static_cast<double>(to - from) * length;
    CHECK(by_ticks > 0.8 * (ending - begun));  // whoever is interrupted between two looks still has been at both
    CHECK(by_ticks < 1.2 * (after - before));
}
