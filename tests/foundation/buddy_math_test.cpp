#include "ashlar/foundation/buddy_math.hpp"

#include <catch2/catch.hpp>
#include <cstddef>

using namespace ashlar;

TEST_CASE("buddy_math: the order is the least whose blocks hold the size at the alignment",
          "[foundation][buddy_math]") {
    for (std::size_t size = 1; size < 3000; ++size) {
        for (std::size_t align = 1; align <= 4096; align *= 2) {
            std::size_t expected = 4;
            while ((std::size_t{1} << expected) < size || (std::size_t{1} << expected) < align) ++expected;
            REQUIRE(buddy_order(size, align, std::size_t{4}) == expected);
        }
    }
    STATIC_REQUIRE(buddy_order(std::size_t{1}, std::size_t{1}, std::size_t{0}) == 0);
    STATIC_REQUIRE(buddy_order((std::size_t{1} << 62) + 1, std::size_t{1}, std::size_t{0}) == 63);
}

TEST_CASE("buddy_math: numbers and offsets are inverse, and every block has its own number",
          "[foundation][buddy_math]") {
    constexpr std::size_t top = 10;
    std::size_t expected = 1;
    for (std::size_t order = top;; --order) {
        for (std::size_t offset = 0; offset < std::size_t{1} << top; offset += std::size_t{1} << order) {
            const std::size_t number = number_of_block(offset, order, top);
            REQUIRE(number == expected++);
            REQUIRE(offset_of_block(number, order, top) == offset);  // buddy_math.I1
        }
        if (order == 0) break;
    }
}

TEST_CASE("buddy_math: a block and its buddy are the halves of their parent", "[foundation][buddy_math]") {
    constexpr std::size_t top = 10;
    for (std::size_t order = 0; order < top; ++order) {
        for (std::size_t offset = 0; offset < std::size_t{1} << top; offset += std::size_t{1} << order) {
            const std::size_t number = number_of_block(offset, order, top), other = buddy_of(number);
            REQUIRE(buddy_of(other) == number);
            REQUIRE(offset_of_block(other, order, top) == (offset ^ std::size_t{1} << order));
            REQUIRE(parent_of(number) == parent_of(other));  // buddy_math.I2
            REQUIRE(first_half_of(parent_of(number)) == (number < other ? number : other));
        }
    }
}
