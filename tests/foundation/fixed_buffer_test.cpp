#include "ashlar/foundation/fixed_buffer.hpp"

#include <catch2/catch.hpp>

#include "ashlar/foundation/alignment.hpp"

TEST_CASE("fixed_buffer: is a block of its size at its alignment", "[foundation][fixed_buffer]") {
    ashlar::fixed_buffer<1000, 4096> memory;
    const ashlar::block b = memory.block();
    CHECK(b.size == 1000);
    CHECK(ashlar::is_aligned(b.data, 4096));
    b.data[0] = b.data[999] = std::byte{1};
    CHECK(memory.block().data == b.data);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<ashlar::fixed_buffer<8>>);
}
