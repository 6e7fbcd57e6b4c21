#include "ashlar/compose/call_sites.hpp"

#include <catch2/catch.hpp>

#include "ashlar/compose/tracked.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
layout bytes(std::size_t n) { return *layout::make(n, 8); }
using sites_type = call_sites<2, live_bytes, total_blocks, refusals>;
using heap_type = tracked<specimen, sites_type>;

struct fixture {
    testing::ground g;
    specimen below{g.upstream()};
    heap_type heap{below};
    sites_type& sites = heap.counter<sites_type>();

    template <class C>
    std::uint64_t of(const char* name) {
        std::uint64_t value = 999;
        sites.for_each([&](const site_name& s, auto& c) { value = s == site_name{name, 0} ? c.template counter<C>().value : value; });
        return value;
    }
};
}  // namespace

TEST_CASE("call_sites: what a scope asks is counted for it, and a block stays its site's until it ends", "[compose][call_sites]") {
    fixture f;
    std::byte *a, *b, *c;
    {
        const call_site here(f.sites, "parser");
        a = f.heap.allocate(bytes(10))->data;
        {
            const call_site inner(f.sites, "names");
            b = f.heap.allocate(bytes(20))->data;
            CHECK_FALSE(f.heap.allocate(*layout::make(layout::max_size, 1)).has_value());
        }
        c = f.heap.allocate(bytes(30))->data;
    }
    const auto d = f.heap.allocate(bytes(5));
    REQUIRE(d);
    CHECK((f.of<live_bytes>("parser") == 40 && f.of<total_blocks>("parser") == 2));
    CHECK((f.of<live_bytes>("names") == 20 && f.of<refusals>("names") == 1));
    CHECK(f.of<live_bytes>("elsewhere") == 5);
    const auto longer = reallocate(f.heap, b, bytes(20), bytes(60), 20);  // call_sites.I1: not elsewhere's
    REQUIRE(longer);
    CHECK(f.of<live_bytes>("names") == 60);
    f.heap.deallocate(a, bytes(10));
    f.heap.deallocate(c, bytes(30));
    f.heap.deallocate(longer->data, bytes(60));
    f.heap.deallocate(d->data, bytes(5));
    CHECK((f.of<live_bytes>("parser") == 0 && f.of<live_bytes>("names") == 0 && f.of<live_bytes>("elsewhere") == 0));
    CHECK(f.of<total_blocks>("parser") == 2);
}

TEST_CASE("call_sites: a scope without a name is the line where it stands, each time the same", "[compose][call_sites]") {
    fixture f;
    for (int i = 0; i < 3; ++i) {
        const call_site here(f.sites);
        f.heap.deallocate(f.heap.allocate(bytes(8))->data, bytes(8));
    }
    CHECK(f.sites.sites() == 1);
    f.sites.for_each([&](const site_name& s, auto& c) {
        CHECK(c.template counter<total_blocks>().value == (s.line == 0 ? 0 : 3));
    });
}

TEST_CASE("call_sites: what comes when every place is taken is counted with what is elsewhere", "[compose][call_sites]") {
    fixture f;
    for (const char* name : {"one", "two", "three", "two"}) {
        const call_site here(f.sites, name);
        REQUIRE(f.heap.allocate(bytes(8)));
    }
    CHECK((f.of<total_blocks>("one") == 1 && f.of<total_blocks>("two") == 2 && f.of<total_blocks>("elsewhere") == 1));
    f.heap.reset();
    CHECK((f.of<live_bytes>("two") == 0 && f.of<total_blocks>("two") == 2));
}

TEST_CASE("call_sites: keeps no table of blocks where no counter is told of their ends", "[compose][call_sites]") {
    CHECK(sizeof(call_sites<2, refusals>) + sizeof(block_table) <= sizeof(call_sites<2, refusals, live_blocks>));
}

ASHLAR_ENROL_ERASED("tracked, by call site", [](testing::ground& g) { return heap_type(g.keep<specimen>(g.upstream())); });
