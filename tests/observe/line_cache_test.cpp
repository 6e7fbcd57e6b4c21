// Hits and misses worked out by hand.
#include "ashlar/observe/line_cache.hpp"

#include <catch2/catch.hpp>

TEST_CASE("line_cache: a block touches the lines that it lies in, each once", "[observe][line_cache]") {
    ashlar::line_cache cache;
    cache.touch(0x1000, 64);
    CHECK(cache.touched() == 1);
    cache.touch(0x1020, 64);  // the second half of that line, and the first of the next
    CHECK(cache.touched() == 3);
    CHECK(cache.missed() == 2);
    cache.touch(0x1000, 0);
    CHECK(cache.touched() == 3);
}

TEST_CASE("line_cache: eight lines of a set stay, and the ninth drives out the least recently used", "[observe][line_cache]") {
    ashlar::line_cache cache;
    constexpr std::uint64_t stride = ashlar::line_cache::sets * ashlar::line_cache::line_bytes;
    for (std::uint64_t i = 0; i < 8; ++i) cache.touch(i * stride, 1);
    cache.touch(0, 1);  // still there, and now the most recently used
    CHECK(cache.missed() == 8);
    cache.touch(8 * stride, 1);  // takes the place of line 1
    cache.touch(0, 1);
    CHECK(cache.missed() == 9);
    cache.touch(stride, 1);
    CHECK(cache.missed() == 10);
}

TEST_CASE("line_cache: what is larger than it has left nothing of its begin", "[observe][line_cache]") {
    ashlar::line_cache cache;
    cache.touch(0, 64 * 1024);
    cache.touch(0, 64 * 1024);
    CHECK(cache.touched() == 2048);
    CHECK(cache.missed() == 2048);
}
