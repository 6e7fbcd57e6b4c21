#include "ashlar/compose/cached_operations.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;

namespace {
/// A cache that comes and goes.
struct sometimes : cached_operations<sometimes, tests::specimen, 4, 512> {
    using cached_operations::cached_operations;
    explicit sometimes(tests::specimen& heap) noexcept : cached_operations(heap) {}
    ~sometimes() { give_back(kept); }
    cache* found() noexcept { return there ? &kept : nullptr; }
    cache* made() noexcept { return found(); }
    cache kept;
    bool there = true;
};
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("cached_operations: where no cache is found the upstream serves, with the same layouts",
          "[compose][cached_operations]") {
    testing::ground g;
    tests::specimen heap(g.upstream());
    sometimes a(heap);
    const auto first = a.allocate(bytes(40));
    REQUIRE(first);
    CHECK(first->size == 48);
    a.there = false;
    const auto second = a.allocate(bytes(40));
    REQUIRE(second);
    CHECK(second->size == 48);
    CHECK(a.grow_in_place(second->data, bytes(40), bytes(48))->data == second->data);  // within its class
    a.deallocate(first->data, bytes(48));  // cached_operations.I1
    a.deallocate(second->data, bytes(41));
    CHECK(g.managed().empty());
}

TEST_CASE("cached_operations: where a cache is found a block stays in it until the upstream refuses",
          "[compose][cached_operations]") {
    testing::ground g;
    tests::specimen heap(g.upstream());
    sometimes a(heap);
    const auto b = a.allocate(bytes(40));
    REQUIRE(b);
    a.deallocate(b->data, bytes(40));
    CHECK_FALSE(a.kept.empty());
    g.refuse(1, failure::once);
    CHECK(a.allocate(*layout::make(300'000, 8)));  // the second time it is asked
    CHECK(a.kept.empty());
}
