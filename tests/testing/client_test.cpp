#include "ashlar/testing/client.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("client: sees any changed byte of a short block", "[testing][client]") {
    std::array<std::byte, 300> memory{};
    client c;
    c.hold({memory.data(), 300}, *layout::make(300, 1));
    CHECK_FALSE(c.damage().has_value());
    for (std::size_t i = 0; i < 300; ++i) {  // client.I1
        memory[i] ^= std::byte{0x80};
        CHECK(c.damage().has_value());
        memory[i] ^= std::byte{0x80};
    }
}

TEST_CASE("client: sees the ends of a long block at once and its middle when it is given back", "[testing][client]") {
    std::vector<std::byte> memory(100000);
    client c;
    const held_block b = c.hold({memory.data(), memory.size()}, *layout::make(memory.size(), 1));
    memory[50001] ^= std::byte{1};
    CHECK(b.damaged(b.granted) == 50001);
    memory[50001] ^= std::byte{1};
    memory[99999] ^= std::byte{1};
    CHECK(c.damage().has_value());
}

TEST_CASE("client: two blocks have patterns of their own", "[testing][client]") {
    std::array<std::byte, 64> one{}, two{};
    client c;
    c.hold({one.data(), 64}, *layout::make(64, 1));
    c.hold({two.data(), 64}, *layout::make(64, 1));
    CHECK(one != two);
    CHECK(c.blocks()[1].number == 2);
    c.drop(0);
    CHECK(c.blocks().size() == 1);
    CHECK(c.blocks()[0].data == two.data());
}
