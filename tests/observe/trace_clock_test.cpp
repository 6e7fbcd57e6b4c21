#include "../../src/observe/trace_clock.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

using namespace ashlar;

TEST_CASE("trace_clock: its ticks agree with the monotonic clock and are about ten nanoseconds long",
          "[observe][trace_clock]") {
    trace_clock c = trace_clock::of_machine();
    c.settle();
    const auto ns = [] { return static_cast<double>(trace_clock::now(CLOCK_MONOTONIC)); };
    const double before = ns();
    const std::uint64_t t0 = c.ticks();
    const double begun = ns();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const double ending = ns();
    const std::uint64_t t1 = c.ticks();
    const double after = ns();
    const auto by_ticks = static_cast<double>(scale(t1 - t0, ns_per_second, c.ticks_per_second()));
    CHECK(by_ticks > 0.95 * (ending - begun));
    CHECK(by_ticks < 1.05 * (after - before));
    if (c.source() == trace_format::ticks_of_cpu) {  // trace_clock.I1
        CHECK(c.ticks_per_second() > 10'000'000);
        CHECK(c.ticks_per_second() <= 120'000'000);
    }
}

TEST_CASE("trace_clock: a tick of a moment ago is placed on the monotonic clock", "[observe][trace_clock]") {
    trace_clock c = trace_clock::of_machine();
    c.settle();
    const std::uint64_t before = trace_clock::now(CLOCK_MONOTONIC);
    const std::uint64_t tick = c.ticks();
    const std::uint64_t after = trace_clock::now(CLOCK_MONOTONIC);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const std::uint64_t placing = trace_clock::now(CLOCK_MONOTONIC);
    const std::uint64_t placed = c.ns_at(tick);
    const std::uint64_t error = (trace_clock::now(CLOCK_MONOTONIC) - before) / 20;  // of the frequency, over all that time
    CHECK(placed + error > before);
    CHECK(placed < after + error);
    CHECK(placed < placing);
}

TEST_CASE("trace_clock: scaling without a division gives what a division gives", "[observe][trace_clock]") {
    for (const std::uint64_t per_second : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{31'250'000}, std::uint64_t{59'999'999}, ns_per_second, ~std::uint64_t{0}}) {
        const fixed_scale s(ns_per_second, per_second);
        for (std::uint64_t v = 1, i = 0; i < 4000; ++i, v = v * 0x5851F42D4C957F2DU + i) {
            const std::uint64_t value = v >> i % 64;
            REQUIRE(s(value) == scale(value, ns_per_second, per_second));
            const std::uint64_t whole = value / ns_per_second * per_second;  // where the quotient takes its steps
            REQUIRE(s(whole) == scale(whole, ns_per_second, per_second));
            REQUIRE(s(whole - 1) == scale(whole - 1, ns_per_second, per_second));
        }
    }
}

TEST_CASE("trace_clock: a clock for made-up times counts nanoseconds from zero", "[observe][trace_clock]") {
    const trace_clock c;
    CHECK(c.ticks_per_second() == ns_per_second);
    CHECK(c.start_ticks() == 0);
    CHECK(c.ns_at(123) == 123);
    CHECK(c.source() == trace_format::ticks_are_ns);
}

TEST_CASE("trace_clock: scaling neither overflows in between nor wraps at the end", "[observe][trace_clock]") {
    CHECK(scale(UINT64_MAX, 1000, 1000) == UINT64_MAX);
    CHECK(scale(UINT64_MAX, 2, 1) == UINT64_MAX);
    CHECK(scale(7, 3, 2) == 10);
}
