#include "ashlar/observe/timeline.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

using ashlar::timeline;

namespace {

std::uint64_t most(const timeline& line) {
    std::uint64_t greatest = 0;
    for (const auto& bucket : line.buckets()) greatest = std::max(greatest, bucket.live_most);
    return greatest;
}

}  // namespace

TEST_CASE("timeline: an empty one has no buckets", "[observe][timeline]") {
    CHECK(timeline().buckets().empty());
}

TEST_CASE("timeline: one event at time zero fills one bucket", "[observe][timeline]") {
    timeline line;
    line.add(0, {.live = 7, .allocations = 1, .bytes_allocated = 7});
    REQUIRE(line.buckets().size() == 1);
    CHECK(line.buckets()[0].live_most == 7);
    CHECK(line.buckets()[0].live_least == 0);
    CHECK(line.buckets()[0].allocations == 1);
}

TEST_CASE("timeline: the peak and the sums survive every joining of buckets", "[observe][timeline]") {
    timeline line;
    std::uint64_t greatest = 0;
    constexpr std::uint64_t events = 50000;
    for (std::uint64_t i = 0; i < events; ++i) {
        const std::uint64_t live = (i * 7919) % 100003;
        greatest = std::max(greatest, live);
        line.add(i * i, {.live = live, .allocations = 1, .frees = 2, .bytes_allocated = 3});
        if (i % 1000 == 0) REQUIRE(most(line) == greatest);
    }
    CHECK(line.buckets().size() <= timeline::limit);
    CHECK(line.buckets().size() > timeline::limit / 2);
    CHECK(most(line) == greatest);
    const auto sum = [&](auto member) {
        return std::accumulate(
            line.buckets().begin(), line.buckets().end(), std::uint64_t{0},
            [&](std::uint64_t so_far, const auto& bucket) { return so_far + bucket.*member; });
    };
    CHECK(sum(&timeline::bucket::allocations) == events);
    CHECK(sum(&timeline::bucket::frees) == 2 * events);
    CHECK(sum(&timeline::bucket::bytes_allocated) == 3 * events);
}

TEST_CASE("timeline: a quiet time keeps the bytes that are live", "[observe][timeline]") {
    timeline line;
    line.add(10, {.live = 100, .allocations = 1, .bytes_allocated = 100});
    line.extend_to(10'000);
    REQUIRE(line.buckets().size() == 10);
    CHECK(line.buckets()[5].live_least == 100);
    CHECK(line.buckets()[9].live_most == 100);
    line.extend_to(3);  // never goes back
    CHECK(line.buckets().size() == 10);
}

TEST_CASE("timeline: the greatest time there is fits", "[observe][timeline]") {
    timeline line;
    line.add(0, {.live = 1});
    line.add(~std::uint64_t{0}, {.live = 2});
    CHECK(line.buckets().size() <= timeline::limit);
    CHECK(line.buckets().back().live_last == 2);
}
