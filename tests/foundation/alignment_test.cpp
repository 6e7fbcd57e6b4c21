#include "ashlar/foundation/alignment.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>

using namespace ashlar;

TEST_CASE("alignment: powers of two are the words with one bit", "[foundation][alignment]") {
    for (std::uint32_t x = 0; x < 1u << 16; ++x) {
        std::uint32_t bits = 0;
        for (std::uint32_t rest = x; rest != 0; rest /= 2) bits += rest % 2;
        REQUIRE(is_power_of_two(x) == (bits == 1));
    }
    CHECK(is_power_of_two(std::uint64_t{1} << 63));
}

TEST_CASE("alignment: rounding agrees with division, for every alignment", "[foundation][alignment]") {
    CHECK(rc::check([](std::uint64_t x, std::uint8_t by, std::uint8_t exponent) {
        x >>= by % 64;
        const std::uint64_t alignment = std::uint64_t{1} << exponent % 63;
        RC_ASSERT(is_aligned(x, alignment) == (x % alignment == 0));
        RC_ASSERT(align_down(x, alignment) == x / alignment * alignment);
        __extension__ using wide = unsigned __int128;
        const wide up = (wide{x} + alignment - 1) / alignment * alignment;
        RC_ASSERT(align_up_wraps(x, alignment) == (up > wide{~std::uint64_t{0}}));
        if (!align_up_wraps(x, alignment)) {
            RC_ASSERT(wide{align_up(x, alignment)} == up);
            RC_ASSERT(wide{x} + padding_to(x, alignment) == up);
        }
        RC_ASSERT(padding_to(x, alignment) < alignment);
    }));
}

TEST_CASE("alignment: at the end of the word align_up wraps and says so beforehand", "[foundation][alignment]") {
    constexpr std::uint64_t most = ~std::uint64_t{0};
    STATIC_REQUIRE(align_up_wraps(most, std::uint64_t{2}));
    STATIC_REQUIRE_FALSE(align_up_wraps(most, std::uint64_t{1}));
    STATIC_REQUIRE_FALSE(align_up_wraps(most - 15, std::uint64_t{16}));
    STATIC_REQUIRE(align_up(most - 15, std::uint64_t{16}) == most - 15);
}

TEST_CASE("alignment: addresses align as the numbers they are", "[foundation][alignment]") {
    alignas(64) std::byte room[128];
    CHECK(is_aligned(room, 64));
    CHECK_FALSE(is_aligned(room + 1, 2));
    for (std::size_t i = 0; i < 64; ++i) CHECK((i + padding_to(room + i, 64)) % 64 == 0);
}
