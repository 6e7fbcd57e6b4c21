#include "ashlar/foundation/bit_scan.hpp"

#include <catch2/catch.hpp>

namespace {
struct bitmap {
    std::uint64_t words[64]{};
    std::uint64_t summary = 0;
    void set(std::size_t i) {
        words[i / 64] |= std::uint64_t{1} << i % 64;
        summary |= std::uint64_t{1} << i / 64;
    }
    std::size_t first_from(std::size_t i) const {
        return ashlar::first_set_from(i, summary, [this](std::size_t w) { return words[w]; }, std::size_t{4096});
    }
};
}  // namespace

TEST_CASE("bit_scan: the first set bit from a place on is found, wherever both are", "[foundation][bit_scan]") {
    for (const std::size_t set : {0u, 1u, 63u, 64u, 127u, 2048u, 4032u, 4095u}) {
        bitmap b;
        b.set(set);
        for (std::size_t from = 0; from < 4096; ++from) REQUIRE(b.first_from(from) == (from <= set ? set : 4096));
    }
}

TEST_CASE("bit_scan: of several bits it is the nearest", "[foundation][bit_scan]") {
    bitmap b;
    for (const std::size_t set : {70u, 64u, 90u, 700u}) b.set(set);
    CHECK(b.first_from(0) == 64);
    CHECK(b.first_from(65) == 70);
    CHECK(b.first_from(91) == 700);
}

TEST_CASE("bit_scan: runs begin where n bits follow one another, and not across the end", "[foundation][bit_scan]") {
    CHECK(ashlar::runs_of_set(std::uint64_t{0b0111'0110}, 1) == 0b0111'0110);
    CHECK(ashlar::runs_of_set(std::uint64_t{0b0111'0110}, 2) == 0b0011'0010);
    CHECK(ashlar::runs_of_set(std::uint64_t{0b0111'0110}, 3) == 0b0001'0000);
    CHECK(ashlar::runs_of_set(std::uint64_t{3} << 62, 3) == 0);
    CHECK(ashlar::runs_of_set(~std::uint64_t{0}, 64) == 1);
}

TEST_CASE("bit_scan: multiples of a step are marked, and of 64 or more only the first", "[foundation][bit_scan]") {
    CHECK(ashlar::multiples_of(std::uint64_t{1}) == ~std::uint64_t{0});
    CHECK(ashlar::multiples_of(std::uint64_t{16}) == 0x0001'0001'0001'0001);
    CHECK(ashlar::multiples_of(std::uint64_t{64}) == 1);
    CHECK(ashlar::multiples_of(std::uint64_t{1} << 40) == 1);
}
