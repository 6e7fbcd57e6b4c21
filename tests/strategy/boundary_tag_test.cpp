#include "ashlar/strategy/boundary_tag.hpp"

#include <catch2/catch.hpp>

using ashlar::fit_request;
using ashlar::tagged_block;

TEST_CASE("boundary_tag: a free block is found from the block behind it", "[strategy][boundary_tag]") {
    alignas(16) std::byte room[16 * 20];
    auto& a = *::new (room + 8) tagged_block(64 | tagged_block::first);
    auto& b = *::new (a.end()) tagged_block(96 | tagged_block::free);
    auto& c = *::new (b.end()) tagged_block(48);
    b.write_end();
    c.set(tagged_block::previous_free);
    CHECK(&a.next() == &b);
    CHECK(&b.next() == &c);
    CHECK(&c.previous() == &b);
    CHECK(b.read_end() == 96);
    CHECK(&tagged_block::of(b.payload()) == &b);
    CHECK((a.is_first() && !a.is_free() && !a.previous_is_free()));
    CHECK((b.is_free() && !b.is_first()));
    c.clear(tagged_block::previous_free);
    CHECK_FALSE(c.previous_is_free());
    CHECK(c.size() == 48);
}

TEST_CASE("boundary_tag: the gap before an aligned run is nothing, or can stand as a block",
          "[strategy][boundary_tag]") {
    for (const std::size_t least : {32u, 48u}) {
        for (std::size_t align = 16; align <= 4096; align *= 2) {
            const fit_request wanted{64, align, least};
            for (std::size_t at = 0; at < 8192; at += 16) {
                const std::size_t gap = wanted.gap(reinterpret_cast<const std::byte*>(at));
                REQUIRE((at + gap) % align == 0);
                REQUIRE((gap == 0 || gap >= least));
                REQUIRE((gap < align || gap - align < least));  // no nearer run would do
            }
        }
    }
}
