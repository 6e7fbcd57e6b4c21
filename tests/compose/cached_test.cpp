#include "ashlar/compose/cached.hpp"

#include <catch2/catch.hpp>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("cached: the block freed last is granted first, without the upstream", "[compose][cached]") {
    testing::ground g;
    cached<testing::ground::upstream_type> c(g.upstream());
    const auto a = c.allocate(bytes(100)), b = c.allocate(bytes(100));
    REQUIRE((a && b));
    c.deallocate(a->data, bytes(100));
    c.deallocate(b->data, bytes(112));  // the whole of what was granted
    const std::size_t asked = g.plan().requests();
    CHECK(c.allocate(bytes(97))->data == b->data);
    CHECK(c.allocate(bytes(112))->data == a->data);
    CHECK(g.plan().requests() == asked);
    c.deallocate(a->data, bytes(112));
    c.deallocate(b->data, bytes(97));
    CHECK_FALSE(g.managed().empty());
    c.trim();
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("cached: keeps no more than its depth, and gives the rest back at its end", "[compose][cached]") {
    testing::ground g;
    {
        cached<testing::ground::upstream_type, 2> c(g.upstream());
        std::byte* p[5];
        for (auto& one : p) one = c.allocate(bytes(32))->data;
        for (auto* one : p) c.deallocate(one, bytes(32));
        CHECK(g.managed().bytes() == 2 * 32);
    }
    CHECK(g.managed().empty());
}

TEST_CASE("cached: what is kept goes back before a refusal, and may prevent it", "[compose][cached]") {
    testing::ground g(4000);
    cached<testing::ground::upstream_type> c(g.upstream());
    std::byte* p[3];
    for (auto& one : p) one = c.allocate(bytes(1024))->data;
    for (auto* one : p) c.deallocate(one, bytes(1024));
    const auto large = c.allocate(bytes(3000));  // would not fit beside what is kept
    REQUIRE(large);
    c.deallocate(large->data, bytes(3000));
    CHECK(g.managed().empty());
}

TEST_CASE("cached: a zeroed block is zero even where it was used before", "[compose][cached]") {
    testing::ground g;
    specimen heap(g.upstream());
    cached<specimen> c(heap);
    const auto a = c.allocate(bytes(64));
    REQUIRE(a);
    for (std::size_t i = 0; i < a->size; ++i) a->data[i] = std::byte{0xff};
    c.deallocate(a->data, bytes(64));
    const auto z = c.allocate_zeroed(bytes(60));
    REQUIRE(z);
    CHECK(z->data == a->data);
    for (std::size_t i = 0; i < 60; ++i) REQUIRE(z->data[i] == std::byte{});
    c.deallocate(z->data, bytes(60));
}

ASHLAR_ENROL_ERASED("cached", [](testing::ground& g) { return cached<specimen, 4, 512>(g.keep<specimen>(g.upstream())); },
                    testing::excuse(testing::law::strong_failure, "what is kept goes back before it refuses"));
