#include "ashlar/compose/affix.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
struct header {
    int number = 41;
};
struct footer {
    long number = 43;
};
using both = affix<header, footer, specimen>;
}  // namespace

TEST_CASE("affix: the objects stand before and after a block of any size and alignment", "[compose][affix]") {
    testing::ground g;
    specimen heap(g.upstream());
    both a(heap);
    for (std::size_t align = 1; align <= 4096; align *= 4) {
        for (const std::size_t size : {1U, 7U, 8U, 100U}) {
            const layout l = *layout::make(size, align);
            const auto b = a.allocate(l);
            REQUIRE(b);
            REQUIRE((b->size == size && is_aligned(b->data, align)));
            std::memset(b->data, 0xff, size);
            REQUIRE(both::prefix(b->data).number == 41);
            REQUIRE(both::suffix(b->data, l).number == 43);
            a.deallocate(b->data, l);
        }
    }
    CHECK(g.managed().empty());
}

TEST_CASE("affix: both objects go along when a block grows, shrinks or moves", "[compose][affix]") {
    testing::ground g;
    specimen heap(g.upstream());
    both a(heap);
    const layout l = *layout::make(16, 8);
    const auto b = a.allocate(l);
    REQUIRE(b);
    both::prefix(b->data).number = 1;
    both::suffix(b->data, l).number = 2;
    REQUIRE(a.grow_in_place(b->data, l, *l.resized(80)));
    CHECK(both::suffix(b->data, *l.resized(80)).number == 2);
    REQUIRE(a.shrink_in_place(b->data, *l.resized(80), *l.resized(64)));
    CHECK(both::suffix(b->data, *l.resized(64)).number == 2);
    const auto moved = a.reallocate(b->data, *l.resized(64), *layout::make(300, 256), 64);
    REQUIRE(moved);
    CHECK(is_aligned(moved->data, 256));
    CHECK(both::prefix(moved->data).number == 1);
    CHECK(both::suffix(moved->data, *layout::make(300, 256)).number == 2);
    a.deallocate(moved->data, *layout::make(300, 256));
}

TEST_CASE("affix: a layout that leaves no room for the objects is refused", "[compose][affix]") {
    testing::ground g;
    specimen heap(g.upstream());
    both a(heap);
    const layout most = *layout::make(layout::max_size, 1);
    CHECK_FALSE(a.allocate(most).has_value());
    CHECK_FALSE(a.available(most));
    CHECK_FALSE(a.allocate(*layout::make(1, std::size_t{1} << 62)).has_value());
}

TEST_CASE("affix: no prefix takes no room", "[compose][affix]") {
    const layout l = *layout::make(24, 8);
    CHECK(affix<no_affix, footer, specimen>::whole(l) == layout::make(32, 8));
    CHECK(affix<header, no_affix, specimen>::whole(l) == layout::make(32, 8));
    CHECK(affix<no_affix, no_affix, specimen>::whole(l) == l);
}

// Its walk shows the upstream's ranges, which must hold the objects too.
ASHLAR_ENROL_ERASED("affix", [](testing::ground& g) { return both(g.keep<specimen>(g.upstream())); },
                    testing::serves([](const auto&, block run, layout l) {
                        const auto w = both::whole(l);
                        return w && testing::place_in(testing::range_of(run), *w).size() != 0;
                    }));
