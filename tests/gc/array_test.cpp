#include "ashlar/gc/array.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <stdexcept>

#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

using namespace ashlar;

namespace {
struct item {
    int value = 0;
};
struct pair_of {
    gc::member<item> a, b;
    void trace(auto& visit) const { visit(a, b); }
};
int alive = 0;
struct counted {
    counted() {
        if (alive == 5) throw std::runtime_error("enough");
        ++alive;
    }
    ~counted() { --alive; }
    void trace(auto&) const {}
};
}  // namespace

TEST_CASE("array: elements are what they would be anywhere, and keep alive what they refer to", "[gc][array]") {
    gc::heap h({.zeal = {.collect = true, .poison = true}});
    for (const std::size_t n : {0u, 1u, 127u, 128u, 129u, 1000u, 20'000u}) {
        const auto numbers = h.make_array<int>(n);
        const auto refs = h.make_array<gc::member<item>>(n);
        const auto objects = h.make_array<pair_of>(n);
        CHECK(numbers->size() == n);
        if (n != 0) {
            const auto x = h.make<item>(3);
            (*refs)[n - 1] = x;
            (*objects)[n / 2].b = h.make<item>(4);
            CHECK((*numbers)[n - 1] == 0);
        }
        h.collect();
        REQUIRE(h.verify());
        if (n != 0) {
            CHECK((*refs)[n - 1]->value == 3);
            CHECK((*objects)[n / 2].b->value == 4);
        }
    }
}

TEST_CASE("array: elements are destroyed with it, also those made before one threw", "[gc][array]") {
    gc::heap h;
    alive = 0;
    {
        const auto a = h.make_array<counted>(5);
        CHECK(alive == 5);
    }
    h.collect();
    CHECK(alive == 0);
    CHECK_THROWS_AS(h.make_array<counted>(6), std::runtime_error);
    CHECK(alive == 0);
    h.collect();
    CHECK(h.stats().live == 0);
}

TEST_CASE("array: more elements than there are addresses are refused, and long ones are aligned", "[gc][array]") {
    gc::heap h;
    CHECK_FALSE(h.try_make_array<std::uint64_t>(SIZE_MAX));
    CHECK_FALSE(h.try_make_array<std::uint64_t>(SIZE_MAX / 8 - 1));
    CHECK_FALSE(h.try_make_array<char>(PTRDIFF_MAX));
    CHECK_THROWS_AS(h.make_array<char>(SIZE_MAX - 7), std::bad_alloc);
    for (const std::size_t n : {1u, 5000u}) {
        const auto a = h.make_array<long double>(n);
        CHECK(reinterpret_cast<std::uintptr_t>(a->data()) % alignof(long double) == 0);
    }
}
