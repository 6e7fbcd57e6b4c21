#include "ashlar/ownership/allocator_link.hpp"

#include <catch2/catch.hpp>

#include "ledger.hpp"

using namespace ashlar;
using namespace owners;

TEST_CASE("allocator_link: takes room only for an allocator with state that wants its blocks back",
          "[ownership][allocator_link]") {
    STATIC_REQUIRE(sizeof(allocator_link<ledger>) == sizeof(void*));
    STATIC_REQUIRE(link_is_empty<public_ledger>);
    STATIC_REQUIRE(link_is_empty<region>);
    STATIC_REQUIRE_FALSE(link_is_empty<ledger>);
}

TEST_CASE("allocator_link: gives back to the allocator that it was made for", "[ownership][allocator_link]") {
    ledger first, second;
    const auto l = layout::of<long>();
    const auto b = *second.allocate(l);
    allocator_link<ledger>(second).deallocate(b.data, l);
    CHECK(first.settled());
    CHECK(second.settled());

    public_ledger all;
    const auto c = *all.allocate(l);
    allocator_link<public_ledger>(all).deallocate(c.data, l);
    CHECK(public_ledger::entries().settled());
}

TEST_CASE("allocator_link: leaves deallocate out where it is optional", "[ownership][allocator_link]") {
    region r;
    const auto b = *r.allocate(layout::of<int>());
    allocator_link<region>(r).deallocate(b.data, layout::of<int>());
    CHECK(r.live() == 1);
}
