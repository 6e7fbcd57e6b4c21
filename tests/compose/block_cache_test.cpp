#include "ashlar/compose/block_cache.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;

namespace {
using cache = block_cache<2, 256>;
alignas(16) std::byte room[4][64];
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("block_cache: gives the newest block of a class first and holds up to its depth", "[compose][block_cache]") {
    cache c;
    CHECK(c.empty());
    CHECK(c.take(bytes(64)) == nullptr);
    CHECK(c.put(room[0], bytes(64)));
    CHECK(c.put(room[1], bytes(49)));  // of the same class
    CHECK_FALSE(c.put(room[2], bytes(64)));  // block_cache.I1
    CHECK(c.take(bytes(48)) == nullptr);
    CHECK(c.take(bytes(50)) == room[1]);
    CHECK(c.take(bytes(64)) == room[0]);
    CHECK(c.empty());
}

TEST_CASE("block_cache: a flush gives every block with the layout of its class", "[compose][block_cache]") {
    cache c;
    REQUIRE(c.put(room[0], bytes(3)));
    REQUIRE(c.put(room[1], bytes(60)));
    std::size_t sum = 0;
    c.flush([&](std::byte*, layout l) { sum += l.size(); });
    CHECK(sum == 16 + 64);
    CHECK(c.empty());
    REQUIRE(c.put(room[0], bytes(3)));
    c.forget();
    CHECK(c.empty());
}

TEST_CASE("block_cache: every layout that fits what was asked for leads to the same layout", "[compose][block_cache]") {
    for (std::size_t n = 1; n <= 300; ++n) {
        const layout as = cache::asked(bytes(n));
        REQUIRE(as.size() >= n);
        REQUIRE(as.align() == 16);
        if (cache::keeps(bytes(n))) REQUIRE(cache::asked(*bytes(n).resized(as.size())) == as);
    }
    CHECK(cache::asked(*layout::make(100, 64)) == *layout::make(100, 64));
    CHECK(cache::asked(*layout::make(layout::max_size, 1)).size() == layout::max_size);
    CHECK_FALSE(cache::keeps(bytes(257)));
}
