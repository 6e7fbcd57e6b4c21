#include "ashlar/strategy/arena_parts.hpp"

#include <catch2/catch.hpp>
#include <cstring>

using namespace ashlar;

TEST_CASE("arena_parts: a chunk's range is what is left behind its header", "[strategy][arena_parts]") {
    alignas(16) std::byte bytes[256];
    arena_chunk& c = arena_chunk::build({bytes, 256}, true);
    CHECK(c.range() == block{bytes + sizeof(arena_chunk), 256 - sizeof(arena_chunk)});
    CHECK(is_aligned(c.range().data, 16));
    CHECK(c.contains(bytes + 255));
    CHECK_FALSE(c.contains(bytes));
    CHECK_FALSE(c.contains(bytes + 256));
    CHECK(c.is_borrowed());
    CHECK(c.dissolve() == block{bytes, 256});
}

TEST_CASE("arena_parts: an oversize block is aligned and finds its header and its place again", "[strategy][arena_parts]") {
    alignas(16384) static std::byte bytes[32768];
    for (std::size_t align = 1; align <= 16384; align *= 2) {
        const layout l = *layout::make(5000, align);
        const layout asked = *arena_oversize::asked(l);
        REQUIRE((asked.size() >= 5000 + sizeof(arena_oversize) && asked.size() <= 5016 + 4096));
        arena_oversize& o = arena_oversize::build({bytes, asked.size()}, l, bytes, 7);
        REQUIRE(is_aligned(o.begin(), align));
        REQUIRE(&arena_oversize::of(o.begin(), l) == &o);
        REQUIRE(&arena_oversize::of(o.begin(), *l.resized(o.capacity())) == &o);
        REQUIRE(o.place() == block{bytes, asked.size()});
        REQUIRE(o.fitting() == asked);
        REQUIRE((o.begin() >= bytes && o.begin() + o.capacity() <= bytes + asked.size()));
        REQUIRE((o.capacity() == 5008 && o.owner() == bytes && o.serial() == 7));
        REQUIRE(o.can_resize() == (align <= 4096));
    }
}

TEST_CASE("arena_parts: a size that leaves no room for a header is refused", "[strategy][arena_parts]") {
    CHECK_FALSE(arena_oversize::asked(*layout::make(layout::max_size, 1)));
    // The longest that is not: with its header and rounded it is the longest layout that there is.
    const std::size_t header = arena_oversize::asked(*layout::make(5008, 16))->size() - 5008;
    const auto longest = arena_oversize::asked(*layout::make(layout::max_size - 15 - header, 1));
    REQUIRE(longest);
    CHECK(longest->size() == layout::max_size - 15);
    CHECK_FALSE(arena_oversize::asked(*layout::make(layout::max_size - 14 - header, 1)));
}

TEST_CASE("arena_parts: an oversize block that was moved knows its new place", "[strategy][arena_parts]") {
    alignas(16) std::byte from[8192], to[8192];
    const layout l = *layout::make(5000, 16);
    const layout asked = *arena_oversize::asked(l);
    arena_oversize::build({from, asked.size()}, l, from, 7);
    std::memcpy(to, from, sizeof to);  // as remap does
    arena_oversize& moved = arena_oversize::in({to, asked.size()}, l.align());
    CHECK(moved.place() == block{to, asked.size()});
    CHECK(moved.serial() == 7);
}
