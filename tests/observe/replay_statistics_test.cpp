// Median, spread and percentiles, on values small enough to be told by hand.
#include "ashlar/observe/replay_statistics.hpp"

#include <catch2/catch.hpp>

#include <vector>

TEST_CASE("replay_statistics: the median is the middle value, or lies between the two middle ones", "[observe][replay_statistics]") {
    CHECK(ashlar::median({3, 1, 2}) == 2);
    CHECK(ashlar::median({4, 1, 3, 2}) == 2.5);
    CHECK(ashlar::median({7}) == 7);
    CHECK(ashlar::median({}) == 0);
}

TEST_CASE("replay_statistics: one wild value moves neither median nor spread", "[observe][replay_statistics]") {
    CHECK(ashlar::median({10, 11, 12, 13, 1000}) == 12);
    CHECK(ashlar::spread({10, 11, 12, 13, 1000}) == 1);
    CHECK(ashlar::spread({5, 5, 5}) == 0);
}

TEST_CASE("replay_statistics: a percentile is the least value that the share of all does not exceed", "[observe][replay_statistics]") {
    std::vector<std::uint32_t> values;
    for (std::uint32_t i = 1000; i >= 1; --i) values.push_back(i);
    CHECK(ashlar::percentile(values, 0.5) == 500);
    CHECK(ashlar::percentile(values, 0.99) == 990);
    CHECK(ashlar::percentile(values, 0.999) == 999);
    CHECK(ashlar::percentile(values, 1.0) == 1000);
    std::vector<std::uint32_t> none;
    CHECK(ashlar::percentile(none, 0.5) == 0);
}
