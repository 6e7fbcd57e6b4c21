#include "ashlar/compose/fallback.hpp"

#include <catch2/catch.hpp>

#include "ashlar/strategy/bump.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
const layout l64 = *layout::make(64, 16);
struct fixture {
    testing::ground g;
    bump first{g.buffer(160, 16)};
    specimen second{g.upstream()};
    fallback<bump, specimen> both{first, second};
};
}  // namespace

TEST_CASE("fallback: every operation on a block reaches the allocator that granted it", "[compose][fallback]") {
    fixture f;
    const auto a = f.both.allocate(l64), b = f.both.allocate(l64), c = f.both.allocate(l64);
    REQUIRE((a && b && c));
    CHECK((f.first.owns(a->data) && f.first.owns(b->data)));
    CHECK(f.second.owns(c->data));  // fallback.I1
    CHECK(f.both.owns(c->data));
    CHECK(f.both.grow_in_place(b->data, l64, *l64.resized(96))->data == b->data);
    CHECK(f.first.room() == 0);
    CHECK(f.both.shrink_in_place(b->data, *l64.resized(96), l64)->data == b->data);
    CHECK(f.both.grow_in_place(c->data, l64, *l64.resized(2000))->data == c->data);
    f.both.deallocate(c->data, *l64.resized(2000));
    f.both.deallocate(b->data, l64);
    f.both.deallocate(a->data, l64);
    CHECK(f.first.room() == f.first.capacity());
    CHECK(f.g.managed().bytes() == 160);
}

TEST_CASE("fallback: reallocate moves to the other allocator and keeps the live bytes", "[compose][fallback]") {
    fixture f;
    const auto a = f.both.allocate(l64);
    REQUIRE(a);
    a->data[63] = std::byte{7};
    const auto away = f.both.reallocate(a->data, l64, *l64.resized(1000), 64);
    REQUIRE(away);
    CHECK(f.second.owns(away->data));
    CHECK(away->data[63] == std::byte{7});
    CHECK(f.first.room() == f.first.capacity());
    f.g.refuse(1, failure::from_then_on);  // the secondary is full now: a block too large for it comes back
    const auto more = f.both.reallocate(away->data, *l64.resized(1000), *l64.resized(100'000), 64);
    CHECK_FALSE(more.has_value());
    CHECK(away->data[63] == std::byte{7});
    f.both.deallocate(away->data, *l64.resized(1000));
}

TEST_CASE("fallback: refuses when both refuse, and is then as it was", "[compose][fallback]") {
    fixture f;
    f.g.refuse(1, failure::from_then_on);
    CHECK_FALSE(f.both.allocate(*l64.resized(161)).has_value());
    CHECK_FALSE(f.both.allocate(*layout::make(layout::max_size, 1)).has_value());
    CHECK(f.both.available(*l64.resized(160)));
    f.both.reset();
    CHECK(f.first.room() == 160);
}

namespace {
struct bounded {
    explicit bounded(testing::ground& g) : first(g.buffer(4096, 1)), second(g.upstream()) {}
    auto& top() { return both; }
    bump first;
    specimen second;
    fallback<bump, specimen> both{first, second};
};
}  // namespace
ASHLAR_ENROL_ERASED("fallback", [](testing::ground& g) { return bounded(g); });
