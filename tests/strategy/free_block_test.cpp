#include "ashlar/strategy/free_block.hpp"

#include <catch2/catch.hpp>

using ashlar::fit_request;
using ashlar::free_block;

TEST_CASE("free_block: its size is read from either end, also of the shortest and of the longest",
          "[strategy][free_block]") {
    for (const std::size_t size : {16u, 32u, 48u, 4096u}) {
        alignas(16) std::byte room[4096];
        auto& b = *::new (room) free_block(size);
        free_block::write_end(room, size);
        CHECK(b.size() == size);
        CHECK(free_block::size_before(b.end()) == size);
    }
    for (const std::size_t size : {(std::size_t{1} << 24) - 16, std::size_t{1} << 24, (std::size_t{1} << 24) + 16,
                                   free_block::most_size}) {
        alignas(16) std::byte room[16];
        CHECK((::new (room) free_block(size))->size() == size);
    }
}

TEST_CASE("free_block: links leave the size as it is, and the size the links", "[strategy][free_block]") {
    alignas(16) std::byte room[3 * 16];
    auto& a = *::new (room) free_block(16);
    auto& b = *::new (room + 16) free_block((std::size_t{1} << 40) + 48);
    auto& c = *::new (room + 32) free_block(16);
    b.next.set(&c);
    b.previous.set(&a);
    CHECK((b.next.get() == &c && b.previous.get() == &a));
    CHECK(b.size() == (std::size_t{1} << 40) + 48);
    a.next.set(&b);
    a.previous.set(nullptr);
    free_block::write_end(a.begin(), 16);
    CHECK(free_block::size_before(b.begin()) == 16);  // free_block.I2: whatever it links to
    a.previous.set(&c);
    CHECK(free_block::size_before(b.begin()) == 16);
    b.next.set(nullptr);
    CHECK((b.next.get() == nullptr && b.previous.get() == &a));
    auto* const highest = reinterpret_cast<free_block*>(free_block::most_address & ~std::uintptr_t{15});
    b.next.set(highest);
    CHECK(b.next.get() == highest);
}

TEST_CASE("free_block: the gap before an aligned run is nothing, or can stand as a block", "[strategy][free_block]") {
    for (const std::size_t least : {16u, 32u, 48u}) {
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

TEST_CASE("free_block: a link that was never set leads nowhere, and its owner's bits are zero", "[strategy][free_block]") {
    const ashlar::free_link fresh;
    CHECK(fresh.get() == nullptr);
    CHECK(fresh.low_bits() == 0);
}
