// Marking by several: each helper is a std::thread (src/gc/team.cpp).
#include <catch2/catch.hpp>

#include <vector>

#include "ashlar/compose/failing.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"
#include "ashlar/strategy/page.hpp"
#include "gc/knots.hpp"

using namespace ashlar;

TEST_CASE("marker: several threads mark what one does, with ephemerons, arrays and without memory for their stacks", "[gc][marker]") {
    page<> pages;
    failure_plan plan;
    failing<page<>> upstream(pages, plan);
    gc::heap h(any_ref(upstream), {.automatic = false, .marking_threads = 3});
    auto all = h.make_array<gc::member<wide>>(11);
    for (auto& w : *all) {
        w = h.make<wide>();
        for (auto& one : w->all) one = complete_tree(h, 4);
    }
    std::vector<gc::root<gc::ephemeron<knot, knot>>> rules;
    for (std::size_t i = 0; i != 300; ++i) {
        auto& from = (*all)[i % 11]->all[i];
        rules.push_back(h.make<gc::ephemeron<knot, knot>>(gc::root<knot>(from), h.make<knot>()));
        complete_tree(h, 5);
    }
    h.collect();
    const auto live = h.stats().live;
    std::size_t knots = 0;
    CHECK(h.verify());
    knots = h.count<knot>().objects;
    CHECK(knots == 11 * 2000 * 31 + 300);
    for (const auto how : {failure::once, failure::from_then_on}) {
        plan.arm(1, how);
        h.collect();
        CHECK(h.stats().live == live);
        CHECK(h.verify());
        plan.disarm();
    }
    for (const auto& r : rules) CHECK(r->get_value().get() != nullptr);
    all = nullptr;
    h.collect();
    CHECK(h.count<knot>().objects == 0);
    for (const auto& r : rules) CHECK(r->get_value().get() == nullptr);
}
