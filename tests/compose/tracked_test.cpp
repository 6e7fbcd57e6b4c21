#include "ashlar/compose/tracked.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
layout bytes(std::size_t n) { return *layout::make(n, 8); }
using counted = tracked<specimen, live_bytes, peak_bytes, live_blocks, total_blocks, total_bytes, refusals, size_histogram,
                        block_records<order_clock>>;
}  // namespace

TEST_CASE("tracked: every counter is told of every event once", "[compose][tracked]") {
    testing::ground g;
    specimen heap(g.upstream());
    counted t(heap);
    const auto a = t.allocate(bytes(64)), b = t.allocate_zeroed(bytes(32));
    REQUIRE((a && b));
    REQUIRE(t.grow_in_place(b->data, bytes(32), bytes(96)));
    REQUIRE(t.shrink_in_place(a->data, bytes(64), bytes(16)));
    const auto moved = t.reallocate(a->data, bytes(16), bytes(200), 16);
    REQUIRE(moved);
    CHECK_FALSE(t.allocate(*layout::make(layout::max_size, 1)).has_value());
    CHECK_FALSE(t.grow_in_place(b->data, bytes(96), bytes(100'000)).has_value());
    CHECK(t.counter<live_bytes>().value == 296);  // tracked.I1
    CHECK(t.counter<peak_bytes>().value == 296);
    CHECK(t.counter<live_blocks>().value == 2);
    CHECK(t.counter<total_blocks>().value == 2);
    CHECK(t.counter<total_bytes>().value == 64 + 32 + 64 + 184);
    CHECK(t.counter<refusals>().value == 2);
    CHECK(t.counter<refusals>().last_size == 100'000);
    CHECK(t.counter<size_histogram>().blocks[class_of_size(std::size_t{64})] == 1);
    t.deallocate(moved->data, bytes(200));
    t.deallocate(b->data, bytes(96));
    CHECK(t.counter<live_bytes>().value == 0);
    CHECK(t.counter<peak_bytes>().value == 296);
    CHECK(t.counter<block_records<order_clock>>().table.size() == 0);
    CHECK(g.managed().empty());
}

TEST_CASE("tracked: the records tell address, layout and time of every live block", "[compose][tracked]") {
    testing::ground g;
    specimen heap(g.upstream());
    tracked<specimen, block_records<order_clock>> t(heap);
    const auto a = t.allocate(bytes(8)), b = t.allocate(*layout::make(24, 64)), c = t.allocate(bytes(40));
    REQUIRE((a && b && c));
    t.deallocate(a->data, bytes(8));
    std::map<std::uint64_t, layout> left;
    t.counter<block_records<order_clock>>().table.for_each([&](const auto& e) { left.emplace(e.note, e.asked); });
    CHECK(left == std::map<std::uint64_t, layout>{{2, *layout::make(24, 64)}, {3, bytes(40)}});
    REQUIRE(t.shrink_in_place(c->data, bytes(40), bytes(32)));
    CHECK(t.counter<block_records<order_clock>>().table.find(c->data)->note == 3);  // it is as old as it was
    t.reset();
    CHECK(t.counter<block_records<order_clock>>().table.size() == 0);
}

TEST_CASE("tracked: without counters it is its upstream, and a counter costs just its own bytes", "[compose][tracked]") {
    CHECK(sizeof(tracked<specimen>) == sizeof(void*));
    CHECK(sizeof(tracked<specimen, live_blocks>) == 2 * sizeof(void*));
    STATIC_REQUIRE(thread_safe<tracked<specimen>> == thread_safe<specimen>);
}

ASHLAR_ENROL_ERASED("tracked", [](testing::ground& g) { return counted(g.keep<specimen>(g.upstream())); });
