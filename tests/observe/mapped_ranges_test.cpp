#include "ashlar/observe/mapped_ranges.hpp"

#include <bitset>
#include <catch2/catch.hpp>

using ashlar::mapped_ranges;

TEST_CASE("mapped_ranges: any sequence leaves the pages that a page by page account leaves", "[observe][mapped_ranges]") {
    constexpr std::uint64_t page = mapped_ranges::page;
    mapped_ranges ranges;
    std::bitset<64> pages;
    std::uint64_t seed = 1;
    for (int i = 0; i < 20'000; ++i) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        const std::uint64_t first = (seed >> 40) % 64, count = (seed >> 50) % (64 - first);
        const bool adds = seed >> 63 != 0;
        const std::size_t before = pages.count();
        for (std::uint64_t p = first; p < first + count; ++p) pages[p] = adds;
        const std::uint64_t size = count == 0 ? 0 : count * page - (seed >> 33) % page;  // the last page counts as a whole
        if (adds) ranges.add(first * page, size);
        else REQUIRE(ranges.remove(first * page, size) == (before - pages.count()) * page);
        REQUIRE(ranges.bytes() == pages.count() * page);  // mapped_ranges.I1
    }
}

TEST_CASE("mapped_ranges: sizes that would wrap end at the last page", "[observe][mapped_ranges]") {
    mapped_ranges ranges;
    ranges.add(UINT64_MAX - 10, 5);
    CHECK(ranges.bytes() == 0);
    ranges.add(mapped_ranges::page, UINT64_MAX);
    CHECK(ranges.remove(0, UINT64_MAX) == UINT64_MAX - 2 * mapped_ranges::page + 1);
    CHECK(ranges.bytes() == 0);
}
