#include "ashlar/foundation/word.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cstdint>

#include "ashlar/foundation/alignment.hpp"

namespace {

/// A word that is no built-in integer and converts to none: what a proof would bring. Its named functions are
/// found by argument-dependent lookup.
struct boxed {
    std::uint64_t value;
    constexpr boxed(std::uint64_t v) : value(v) {}
    friend constexpr boxed operator+(boxed a, boxed b) { return {a.value + b.value}; }
    friend constexpr boxed operator-(boxed a, boxed b) { return {a.value - b.value}; }
    friend constexpr boxed operator*(boxed a, boxed b) { return {a.value * b.value}; }
    friend constexpr boxed operator&(boxed a, boxed b) { return {a.value & b.value}; }
    friend constexpr boxed operator|(boxed a, boxed b) { return {a.value | b.value}; }
    friend constexpr boxed operator~(boxed a) { return {~a.value}; }
    friend constexpr bool operator==(boxed, boxed) = default;
    friend constexpr bool operator<(boxed a, boxed b) { return a.value < b.value; }
    friend constexpr bool operator<=(boxed a, boxed b) { return a.value <= b.value; }
};

}  // namespace

TEST_CASE("word: the built-in unsigned integers are words, and so is a stand-in", "[foundation][word]") {
    STATIC_REQUIRE(ashlar::word<std::uint64_t>);
    STATIC_REQUIRE(ashlar::word<std::uint32_t>);
    STATIC_REQUIRE(ashlar::word<std::size_t>);
    STATIC_REQUIRE(ashlar::word<boxed>);
    STATIC_REQUIRE_FALSE(ashlar::word<int*>);
}

TEST_CASE("word: arithmetic written over word runs on a stand-in for the integer", "[foundation][word]") {
    const boxed x{1000}, alignment{64};
    CHECK(ashlar::is_power_of_two(alignment));
    CHECK_FALSE(ashlar::is_power_of_two(x * boxed{3}));
    CHECK(ashlar::align_up(x, alignment) == boxed{1024});
    CHECK(ashlar::align_down(x, alignment) == boxed{960});
    CHECK(ashlar::padding_to(x, alignment) == boxed{24});
    CHECK_FALSE(ashlar::align_up_wraps(x | boxed{1}, alignment));
    CHECK(boxed{1} <= boxed{2});
}

TEST_CASE("word: integers that promotion would make signed are no built-in words", "[foundation][word]") {
    STATIC_REQUIRE_FALSE(ashlar::builtin_word<std::uint8_t>);
    STATIC_REQUIRE_FALSE(ashlar::builtin_word<std::uint16_t>);
    STATIC_REQUIRE_FALSE(ashlar::builtin_word<int>);
}

TEST_CASE("word: bit functions agree with counting bits one by one", "[foundation][word]") {
    CHECK(rc::check([](std::uint64_t x, std::uint8_t by) {
        x >>= by % 64;  // small values as often as large ones
        std::uint64_t width = 0;
        for (std::uint64_t rest = x; rest != 0; rest /= 2) ++width;
        RC_ASSERT(ashlar::bit_width(x) == width);
        std::uint64_t zeros = 0;
        while (zeros < 64 && ((x >> zeros) & 1) == 0) ++zeros;
        RC_ASSERT(ashlar::countr_zero(x) == zeros);
        const std::uint64_t n = by % 64;
        std::uint64_t doubled = x, halved = x;
        for (std::uint64_t i = 0; i < n; ++i) doubled *= 2, halved /= 2;
        RC_ASSERT(ashlar::shl(x, n) == doubled);
        RC_ASSERT(ashlar::shr(x, n) == halved);
    }));
}

TEST_CASE("word: add_wraps and mul_wraps know what passes the end of the word", "[foundation][word]") {
    constexpr std::uint64_t most = ~std::uint64_t{0};
    CHECK_FALSE(ashlar::add_wraps(most, std::uint64_t{0}));
    CHECK(ashlar::add_wraps(most, std::uint64_t{1}));
    CHECK(rc::check([](std::uint64_t a, std::uint64_t b, std::uint8_t by) {
        b >>= by % 64;
        __extension__ using wide = unsigned __int128;
        RC_ASSERT(ashlar::add_wraps(a, b) == (wide{a} + b > wide{~std::uint64_t{0}}));
        RC_ASSERT(ashlar::mul_wraps(a, b) == (wide{a} * b > wide{~std::uint64_t{0}}));
    }));
}

TEST_CASE("word: everything is a constant expression", "[foundation][word]") {
    STATIC_REQUIRE(ashlar::shl(1u, 31u) == 0x8000'0000u);
    STATIC_REQUIRE(ashlar::bit_width(0u) == 0u);
    STATIC_REQUIRE(ashlar::bit_width(4096u) == 13u);
    STATIC_REQUIRE(ashlar::countr_zero(0u) == 32u);
}

TEST_CASE("word: the shorter forms agree with the general ones where they may be asked", "[foundation][word]") {
    CHECK(rc::check([](std::uint64_t x, std::uint8_t by) {
        x = x >> by % 64 | 1;
        RC_ASSERT(ashlar::highest_bit(x) + 1 == ashlar::bit_width(x));
        RC_ASSERT(ashlar::lowest_bit(x << by % 64) == by % 64);
        RC_ASSERT(ashlar::low16(x) == x % 65536);
        RC_ASSERT(ashlar::next16(x) == x / 65536 % 65536);
        const std::uint64_t small = x >> 1 | 1, power = ashlar::bit_ceil(small);
        RC_ASSERT((power & (power - 1)) == 0 && power >= small && power / 2 < small);
    }));
    CHECK(ashlar::highest_bit(std::uint32_t{1} << 31) == 31);
    CHECK(ashlar::lowest_bit(std::uint32_t{1} << 31) == 31);
}
