#include "ashlar/compose/segregate.hpp"

#include <catch2/catch.hpp>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
/// Grants more than was asked for: up to the next multiple of 256.
struct generous {
    specimen& heap;
    static layout more(layout l) { return *l.resized((l.size() + 255) / 256 * 256); }
    result<block> allocate(layout l) noexcept { return l.size() > 100'000 ? alloc_error{} : heap.allocate(more(l)); }
    void deallocate(std::byte* p, layout l) noexcept { heap.deallocate(p, more(l)); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        return now.size() <= more(old).size() ? result<block>(block{p, more(old).size()}) : alloc_error{};
    }
    bool owns(const std::byte* p) const noexcept { return heap.owns(p); }
};
struct three {
    explicit three(testing::ground& g) : a(g.upstream()), b(g.upstream()), c(g.upstream()) {}
    auto& top() { return all; }
    specimen a, b, c;
    generous small{a}, medium{b}, large{c};
    segregate<up_to<100, generous>, up_to<1000, generous>, generous> all{small, medium, large};
};
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("segregate: the size chooses, at and beside every threshold", "[compose][segregate]") {
    testing::ground g;
    three t(g);
    for (const std::size_t n : {1U, 100U, 101U, 1000U, 1001U, 50000U}) {
        const auto b = t.all.allocate(bytes(n));
        REQUIRE(b);
        CHECK(t.a.owns(b->data) == (n <= 100));
        CHECK(t.b.owns(b->data) == (n > 100 && n <= 1000));
        CHECK(t.c.owns(b->data) == (n > 1000));
        CHECK(t.all.owns(b->data));
        t.all.deallocate(b->data, bytes(n));
    }
    CHECK(g.managed().empty());
}

TEST_CASE("segregate: any layout that fits a block leads back to its granter", "[compose][segregate]") {
    testing::ground g;
    three t(g);
    const auto b = t.all.allocate(bytes(60));
    REQUIRE(b);
    CHECK(b->size == 100);  // its allocator gave 256, which would be the next one's size (segregate.I1)
    t.all.deallocate(b->data, bytes(100));
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("segregate: an in-place operation that would pass a threshold is refused, and reallocate moves", "[compose][segregate]") {
    testing::ground g;
    specimen a(g.upstream()), b(g.upstream());
    segregate<up_to<100, specimen>, specimen> s(a, b);
    const auto p = s.allocate(bytes(64));
    REQUIRE(p);
    CHECK(s.grow_in_place(p->data, bytes(64), bytes(100)));
    CHECK_FALSE(s.grow_in_place(p->data, bytes(100), bytes(101)).has_value());
    const auto moved = s.reallocate(p->data, bytes(100), bytes(208), 64);
    REQUIRE(moved);
    CHECK(b.owns(moved->data));
    CHECK_FALSE(s.shrink_in_place(moved->data, bytes(208), bytes(96)).has_value());
    CHECK(s.shrink_in_place(moved->data, bytes(208), bytes(112)).has_value());
    s.deallocate(moved->data, bytes(112));
    CHECK(g.managed().empty());
    s.reset();
}

ASHLAR_ENROL_ERASED("segregate", [](testing::ground& g) { return three(g); });
