#include "ashlar/testing/observation.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;
using tests::specimen;

TEST_CASE("observation: is equal while nothing changes and differs after a grant", "[testing][observation]") {
    ground g;
    specimen heap(g.upstream());
    const observation before = observe(heap, g);
    CHECK(before == observe(heap, g));
    const auto b = heap.allocate(*layout::make(100, 8));
    REQUIRE(b);
    const observation after = observe(heap, g);
    CHECK(after != before);
    CHECK(after.managed.bytes() == specimen::least_chunk);
    CHECK(after.free->bytes() == specimen::least_chunk - 100);
    heap.deallocate(b->data, *layout::make(100, 8));
    CHECK(observe(heap, g) == before);
}

TEST_CASE("observation: does not mistake a planned refusal for a change", "[testing][observation]") {
    ground g;
    specimen heap(g.upstream());
    const observation before = observe(heap, g);
    g.refuse(1, failure::from_then_on);
    CHECK(observe(heap, g) == before);
    CHECK(g.plan().would_refuse());
}

TEST_CASE("observation: tells what was available and is no longer", "[testing][observation]") {
    observation a, b;
    a.available = {true, true, false};
    b.available = {true, false, true};
    REQUIRE(lost(a, b));
    CHECK(*lost(a, b) == probes()[1]);
    CHECK(*lost(b, a) == probes()[2]);
    CHECK_FALSE(lost(a, a));
}
