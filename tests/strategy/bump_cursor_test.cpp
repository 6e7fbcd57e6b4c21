#include "ashlar/strategy/bump_cursor.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace ashlar;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
}  // namespace

TEST_CASE("bump_cursor: without a range it refuses everything", "[strategy][bump_cursor]") {
    bump_cursor<16> none;
    CHECK(none.room() == 0);
    CHECK_FALSE(none.fits(of(1)));
    CHECK_FALSE(none.take(of(1)));
    CHECK_FALSE(none.take(of(1, 64)));
}

TEST_CASE("bump_cursor: begins and ends at multiples of the least alignment", "[strategy][bump_cursor]") {
    alignas(64) std::array<std::byte, 64> bytes;
    for (std::size_t skip = 0; skip < 20; ++skip) {
        for (std::size_t size = 0; size + skip <= 64; ++size) {
            const bump_cursor<16> c({bytes.data() + skip, size});
            const std::size_t first = (skip + 15) / 16 * 16, last = (skip + size) / 16 * 16;
            REQUIRE(c.room() == (first < last ? last - first : 0));
        }
    }
}

TEST_CASE("bump_cursor: a lead is a word at least and makes the address a multiple", "[strategy][bump_cursor]") {
    STATIC_REQUIRE(bump_cursor<16>::lead(4096, 16) == 0);
    for (std::uintptr_t at = 4096; at < 8192; at += 16) {
        for (std::size_t align = 32; align <= 4096; align *= 2) {
            const std::size_t lead = bump_cursor<16>::lead(at, align);
            REQUIRE((lead >= 8 && lead < align + 16 && (at + lead) % align == 0));
        }
    }
}

TEST_CASE("bump_cursor: what was taken last is given back with its lead", "[strategy][bump_cursor]") {
    alignas(64) std::array<std::byte, 1024> bytes;
    bump_cursor<16> c({bytes.data(), bytes.size()});
    static_cast<void>(c.take(of(24)));
    auto* const stood = c.at();
    const auto b = *c.take(of(100, 128));
    CHECK(is_aligned(b.data, 128));
    CHECK(b.size == 112);
    REQUIRE(c.is_last(b.data, of(100, 128)));
    CHECK(c.before(b.data, of(100, 128)) == stood);
    CHECK(c.grow(b.data, of(112, 128), of(200, 128))->size == 208);
    CHECK_FALSE(c.grow(b.data, of(208, 128), of(2000, 128)));
    CHECK(c.is_last(b.data, of(208, 128)));
    c.rewind(c.before(b.data, of(208, 128)));
    CHECK(c.at() == stood);
    unpoison(bytes.data(), bytes.size());
}
