#include <catch2/catch.hpp>

#include "ashlar/malloc/encoded_link.hpp"

using namespace ashlar;
using node = ashlar::malloc::free_block<std_atomics>;

namespace {
constexpr std::uintptr_t key = 0x5eed'0000'1234'5678;
}

TEST_CASE("encoded_link: a link leads where it was set to, and does not show it", "[malloc][encoded_link]") {
    node nodes[2]{};
    nodes[0].set_next(&nodes[1], key);
    CHECK(nodes[0].next(key) == &nodes[1]);
    CHECK(nodes[0].link != reinterpret_cast<std::uintptr_t>(&nodes[1]));
    nodes[0].set_next(nullptr, key);
    CHECK(nodes[0].next(key) == nullptr);
    CHECK(nodes[0].link == key);
}

TEST_CASE("encoded_link: only a free block carries the mark of its own address", "[malloc][encoded_link]") {
    node nodes[2]{};
    CHECK_FALSE(nodes[0].marked(key));
    nodes[0].set_mark(key);
    CHECK(nodes[0].marked(key));
    nodes[1] = nodes[0];
    CHECK_FALSE(nodes[1].marked(key));  // a copy of a free block is not a free block
    nodes[0].clear_mark();
    CHECK_FALSE(nodes[0].marked(key));
    CHECK(nodes[0].mark == 0);  // the block goes to the program, with nothing of the secret
}
