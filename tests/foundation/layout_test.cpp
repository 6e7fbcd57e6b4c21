#include "ashlar/foundation/layout.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <cstddef>
#include <cstdint>

using ashlar::layout;

namespace {

constexpr std::size_t max = PTRDIFF_MAX;
__extension__ using wide = unsigned __int128;

/// layout.I1 and layout.I2, by the plainest means.
bool valid(wide size, wide align) {
    if (align == 0 || (align & (align - 1)) != 0 || align > max) return false;
    return (size + align - 1) / align * align <= wide{max};
}

/// Sizes near every power of two and near the limit, alignments of every exponent: the nearest valid layout.
layout any_layout(std::uint32_t seed) {
    const std::size_t size = (std::size_t{1} << seed % 63) + seed / 64 % 5;
    for (std::size_t exponent = seed / 1024 % 63;; --exponent) {
        if (const auto made = layout::make(size > 2 ? size - 2 : size, std::size_t{1} << exponent)) return *made;
    }
}

}  // namespace

TEST_CASE("layout: make accepts exactly powers of two whose rounded size is at most PTRDIFF_MAX",
          "[foundation][layout]") {
    CHECK(layout::make(0, 1));
    CHECK(layout::make(max, 1));
    CHECK_FALSE(layout::make(max, 2));
    CHECK(layout::make(max - 1, 2));
    CHECK_FALSE(layout::make(max + 1, 1));
    CHECK_FALSE(layout::make(SIZE_MAX, 1));
    CHECK_FALSE(layout::make(1, 0));
    CHECK_FALSE(layout::make(1, 3));
    CHECK_FALSE(layout::make(0, std::size_t{1} << 63));
    CHECK(layout::make(0, std::size_t{1} << 62));
    CHECK(rc::check([](std::uint64_t size, std::uint8_t by, std::uint64_t align, std::uint8_t how) {
        size >>= by % 64;
        align = how % 4 == 0 ? align >> how % 64 : std::uint64_t{1} << how % 64;
        RC_ASSERT(layout::make(size, align).has_value() == valid(size, align));
    }));
}

TEST_CASE("layout: of a type is its size and alignment", "[foundation][layout]") {
    struct alignas(32) wide_type { char c; };
    STATIC_REQUIRE(layout::of<char>() == *layout::make(1, 1));
    STATIC_REQUIRE(layout::of<wide_type>() == *layout::make(32, 32));
    STATIC_REQUIRE(*layout::array<std::uint32_t>(10) == *layout::make(40, 4));
    CHECK_FALSE(layout::array<std::uint32_t>(max / 4 + 1));
    CHECK_FALSE(layout::array<std::uint32_t>(SIZE_MAX / 4 + 2));  // would wrap to 4 bytes
    CHECK(layout::array<std::uint32_t>(0)->size() == 0);
}

TEST_CASE("layout: extend places members as a struct does", "[foundation][layout]") {
    struct sample { char a; double b; short c; };
    const auto ab = layout::of<char>().extend(layout::of<double>());
    REQUIRE(ab);
    CHECK(ab->offset == offsetof(sample, b));
    const auto abc = ab->whole.extend(layout::of<short>());
    REQUIRE(abc);
    CHECK(abc->offset == offsetof(sample, c));
    CHECK(abc->whole.padded().size() == sizeof(sample));
    CHECK(abc->whole.align() == alignof(sample));
}

TEST_CASE("layout: repeat is n padded copies, refused when they would pass the limit", "[foundation][layout]") {
    const auto l = *layout::make(10, 8);
    CHECK(*l.repeat(3) == *layout::make(48, 8));
    CHECK(l.repeat(0)->size() == 0);
    CHECK_FALSE(l.repeat(max / 16 + 1));
    CHECK_FALSE(l.repeat(SIZE_MAX));
}

TEST_CASE("layout: every operation keeps the invariants or refuses, exactly", "[foundation][layout]") {
    CHECK(rc::check([](std::array<std::uint32_t, 3> seeds) {
        for (auto& seed : seeds) seed *= 2654435761u;  // spreads the small numbers that RapidCheck likes
        const layout a = any_layout(seeds[0]), b = any_layout(seeds[1]);
        const wide offset = (wide{a.size()} + b.align() - 1) / b.align() * b.align();
        const wide whole = offset + b.size();
        const std::size_t align = a.align() > b.align() ? a.align() : b.align();
        const auto extended = a.extend(b);
        RC_ASSERT(extended.has_value() == valid(whole, align));
        if (extended) {
            RC_ASSERT(wide{extended->offset} == offset);
            RC_ASSERT(wide{extended->whole.size()} == whole);
            RC_ASSERT(extended->whole.align() == align);
        }
        const auto padded = a.padded();
        RC_ASSERT(padded.size() % a.align() == 0 && padded.size() - a.size() < a.align());
        RC_ASSERT(valid(padded.size(), padded.align()));
        const std::size_t n = seeds[2] % 6;
        RC_ASSERT(a.repeat(n).has_value() == valid(wide{padded.size()} * n, a.align()));
        RC_ASSERT(a.aligned_to(b.align()).has_value() == valid(a.size(), align));
        RC_ASSERT(a.resized(b.size()).has_value() == valid(b.size(), a.align()));
    }));
}

TEST_CASE("layout: an extension is refused where its offset, or what begins there, goes past the limit", "[foundation][layout]") {
    const auto large = layout::make(max - 1, 1), aligned = layout::make(1, std::size_t{1} << 62), small = layout::make(8, 8);
    REQUIRE((large && aligned && small));
    CHECK_FALSE(large->extend(*aligned));  // the offset
    CHECK_FALSE(large->extend(*small));
    CHECK_FALSE(small->extend(*layout::make(max - 7, 1)));  // its end
    CHECK(small->extend(*layout::make(max - 15, 1)).has_value());
}
