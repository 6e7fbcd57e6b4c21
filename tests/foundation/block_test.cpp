#include "ashlar/foundation/block.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

using ashlar::block;

TEST_CASE("block: is its bytes, from data to end", "[foundation][block]") {
    std::byte room[10];
    const block b{room, 10};
    CHECK(b.end() == room + 10);
    const std::span<std::byte> bytes = b;
    CHECK(bytes.data() == room);
    CHECK(bytes.size() == 10);
}

TEST_CASE("block: two blocks are equal when they are the same bytes", "[foundation][block]") {
    std::byte room[10];
    CHECK(block{room, 4} == block{room, 4});
    CHECK_FALSE(block{room, 4} == block{room, 5});
    CHECK_FALSE(block{room, 4} == block{room + 1, 4});
}

TEST_CASE("block: is two words and nothing more", "[foundation][block]") {
    STATIC_REQUIRE(sizeof(block) == 2 * sizeof(void*));
    STATIC_REQUIRE(std::is_trivially_copyable_v<block> && std::is_standard_layout_v<block>);
}
