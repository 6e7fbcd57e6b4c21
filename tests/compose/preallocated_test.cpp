#include "ashlar/compose/preallocated.hpp"

#include <catch2/catch.hpp>
#include <new>

#include "ashlar/strategy/bump.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

TEST_CASE("preallocated: its own memory serves first, and blocks find their granter", "[compose][preallocated]") {
    testing::ground g;
    specimen heap(g.upstream());
    preallocated<128, bump, specimen> a(heap);
    const layout l = *layout::make(100, 8);
    const auto inside = a.allocate(l), outside = a.allocate(l);
    REQUIRE((inside && outside));
    CHECK(a.first().owns(inside->data));
    CHECK(heap.owns(outside->data));  // preallocated.I1
    CHECK(g.grants() == 1);
    inside->data[0] = std::byte{5};
    CHECK(a.grow_in_place(inside->data, l, *l.resized(120)));
    const auto moved = a.reallocate(inside->data, *l.resized(120), *l.resized(1000), 100);
    REQUIRE(moved);
    CHECK(heap.owns(moved->data));
    CHECK(moved->data[0] == std::byte{5});
    CHECK(a.first().room() == 128);
    a.deallocate(moved->data, *l.resized(1000));
    a.deallocate(outside->data, l);
    CHECK(g.managed().empty());
}

TEST_CASE("preallocated: while the fallback refuses, its own memory still serves", "[compose][preallocated]") {
    testing::ground g;
    preallocated<128, bump, testing::ground::upstream_type> a(g.upstream());
    g.refuse(1, failure::from_then_on);
    CHECK_FALSE(a.allocate(*layout::make(129, 1)).has_value());
    const auto b = a.allocate(*layout::make(128, 1));
    REQUIRE(b);
    a.deallocate(b->data, *layout::make(128, 1));
}

namespace {
/// Lies where the kit watches, so that its own memory is watched too.
struct within_ground {
    using type = preallocated<4096, bump, testing::ground::upstream_type>;
    explicit within_ground(testing::ground& g)
        : made(::new (g.buffer(sizeof(type), alignof(type)).data) type(g.upstream())) {}
    within_ground(const within_ground&) = delete;
    within_ground& operator=(const within_ground&) = delete;
    ~within_ground() { made->~type(); }
    auto& top() { return *made; }
    type* made;
};
}  // namespace
ASHLAR_ENROL_ERASED("preallocated", [](testing::ground& g) { return within_ground(g); });
