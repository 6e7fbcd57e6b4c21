#include "ashlar/gc/marker.hpp"

#include <catch2/catch.hpp>

#include "ashlar/compose/failing.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"
#include "ashlar/strategy/page.hpp"
#include "gc/knots.hpp"

using namespace ashlar;

TEST_CASE("marker: a list of millions of objects is marked, whichever way it leans", "[gc][marker]") {
    gc::heap h({.automatic = false});
    gc::root<knot> head;
    constexpr std::size_t n = 2'000'000;
    for (std::size_t i = 0; i != n; ++i) head = i % 2 ? h.make<knot>(head, nullptr) : h.make<knot>(nullptr, head);
    h.collect();
    CHECK(h.stats().live == n * 32);
}

TEST_CASE("marker: an array of a million references needs no tall stack", "[gc][marker]") {
    gc::heap h({.hard_limit = 48 << 20, .automatic = false});
    auto all = h.make_array<gc::member<knot>>(1'000'000);
    for (auto& one : *all) one = h.make<knot>();
    h.collect();
    CHECK(h.stats().live == all->size() * 32 + (all->size() + 1) * sizeof(void*) + 192);
}

TEST_CASE("marker: with no memory for its stack it marks the same", "[gc][marker]") {
    page<> pages;
    failure_plan plan;
    failing<page<>> upstream(pages, plan);
    gc::heap h(any_ref(upstream), {.automatic = false});
    auto root = h.make<wide>();
    for (auto& one : root->all) one = complete_tree(h, 4);
    h.collect();
    const auto live = h.stats().live;
    CHECK(live >= 2000 * 31 * 24);
    plan.arm(1, failure::from_then_on);
    h.collect();
    CHECK(plan.refusals() > 0);
    CHECK(h.stats().live == live);
    CHECK(h.verify());
}
