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
    const auto from_ns = ashlar::os::now_ns();
    const auto from = ashlar::begin_ticks();
    while (ashlar::os::now_ns() - from_ns < 10'000'000) {
    }
    const double ticks = static_cast<double>(ashlar::end_ticks() - from);
    CHECK(ticks * length == Approx(static_cast<double>(ashlar::os::now_ns() - from_ns)).epsilon(0.2));
}
