#include "ashlar/strategy/buddy_region.hpp"

#include <catch2/catch.hpp>

#include "ashlar/strategy/page.hpp"

using namespace ashlar;

TEST_CASE("buddy_region: one to halve begins at a multiple of its size, and what is kept about it stands behind it",
          "[strategy][buddy_region]") {
    for (std::size_t top = 4; top <= 20; ++top) {
        page<> pages;
        const buddy_region::shape shape{top, 4};
        buddy_region* const r = buddy_region::obtain(pages, shape);
        REQUIRE(r != nullptr);
        CHECK(is_aligned(r->begin, shape.size()));  // buddy_region.I2
        CHECK(r->payload == shape.size());
        CHECK(reinterpret_cast<std::byte*>(r) == r->end());
        CHECK(&buddy_region::at(r->begin, shape.size()) == r);
        r->give_back(pages);
    }
}

TEST_CASE("buddy_region: the bits of all blocks are clear at first, and apart", "[strategy][buddy_region]") {
    page<> pages;
    const buddy_region::shape shape{12, 4};
    buddy_region& r = *buddy_region::obtain(pages, shape);
    const std::size_t all = std::size_t{2} << 8, inner = all / 2;
    for (std::size_t n = 1; n < all; ++n) REQUIRE_FALSE(r.is_free(n));
    for (std::size_t n = 1; n < inner; ++n) REQUIRE_FALSE(r.is_split(n, shape));
    for (std::size_t n = 1; n < all; n += 3) r.flip_free(n);
    for (std::size_t n = 1; n < inner; n += 5) r.flip_split(n, shape);
    for (std::size_t n = 1; n < all; ++n) REQUIRE(r.is_free(n) == (n % 3 == 1));
    for (std::size_t n = 1; n < inner; ++n) REQUIRE(r.is_split(n, shape) == (n % 5 == 1));
    r.give_back(pages);
}

TEST_CASE("buddy_region: three bits a least block are kept, and no more is asked for", "[strategy][buddy_region]") {
    for (std::size_t top = 10; top <= 30; ++top) {
        const buddy_region::shape shape{top, 4};
        const std::size_t blocks = shape.size() / 16;
        CHECK(shape.bits_size() * 8 == 3 * blocks);  // two for free blocks of all orders, one for those that are split
        CHECK(shape.whole()->size() == shape.size() + sizeof(buddy_region) + shape.bits_size());
    }
}
