#include "ashlar/testing/erased.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("erased: offers at run time what the type behind it offers", "[testing][erased]") {
    ground g;
    erased all = erased::of([&] { return tests::specimen(g.upstream()); });
    for (const ability one : {ability::grow, ability::shrink, ability::reallocate, ability::zero, ability::own, ability::reset,
                              ability::forecast, ability::walk}) {
        CHECK(all.offers(one));
    }
    CHECK_FALSE(all.offers(ability::trim));
    const erased little = erased::of([&] { return failing<source>(g.keep<source>(4096U, placement::lowest), g.plan()); });
    CHECK(little.offers(ability::own));
    CHECK_FALSE(little.offers(ability::grow));
    CHECK_FALSE(little.offers(ability::walk));
    CHECK_FALSE(erased::of([&] { return tests::specimen(g.upstream()); }, false).offers(ability::walk));
}

TEST_CASE("erased: every operation reaches the allocator behind it", "[testing][erased]") {
    ground g;
    erased a = erased::of([&] { return tests::specimen(g.upstream()); });
    const layout l = *layout::make(32, 8);
    CHECK(a.available(l));
    const auto b = a.allocate_zeroed(l);
    REQUIRE(b);
    CHECK(a.owns(b->data));
    CHECK(a.grow_in_place(b->data, l, *l.resized(64)));
    CHECK(a.shrink_in_place(b->data, *l.resized(64), l));
    const auto moved = a.reallocate(b->data, l, *l.resized(500), 32);
    REQUIRE(moved);
    std::size_t ranges = 0;
    a.for_each_free([&](block) { ++ranges; });
    CHECK(ranges != 0);
    a.deallocate(moved->data, *l.resized(500));
    CHECK(g.managed().empty());
    a.reset();
}
