#include "ashlar/strategy/block_shape.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;

TEST_CASE("block_shape: a block has room for a link and keeps its alignment side by side", "[strategy][block_shape]") {
    CHECK(block_shape<1, 1>::size == sizeof(void*));
    CHECK(block_shape<24, 16>::size == 32);
    CHECK(block_shape<70, 64>::size == 128);
    CHECK(block_shape<70, 64>::fits(*layout::make(128, 64)));
    CHECK_FALSE(block_shape<70, 64>::fits(*layout::make(1, 128)));
    CHECK_FALSE(block_shape<70, 64>::fits(*layout::make(129, 1)));
}

TEST_CASE("block_shape: multiples of 256 bytes are set apart by up to a sixteenth", "[strategy][block_shape]") {
    CHECK(block_shape<256, 16>::size == 272);
    CHECK(block_shape<1024, 16>::size == 1088);
    CHECK(block_shape<4096, 8>::size == 4160);
    CHECK(block_shape<320, 16>::size == 320);
    CHECK(block_shape<256, 64>::size == 256);  // 64 bytes more would be a quarter
    CHECK(block_shape<4096, 4096>::size == 4096);
}

TEST_CASE("block_shape: a block grows and shrinks where it stands, up to its size", "[strategy][block_shape]") {
    alignas(16) std::byte room[64];
    using shape = block_shape<64, 16>;
    CHECK(shape::grow(room, *layout::make(8, 8), *layout::make(64, 8))->size == 64);
    CHECK_FALSE(shape::grow(room, *layout::make(64, 8), *layout::make(65, 8)));
    CHECK(shape::shrink(room, *layout::make(64, 8), *layout::make(1, 8))->data == room);
}
