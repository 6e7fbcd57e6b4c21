#include "ashlar/gc/sliding.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "ashlar/compose/failing.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/weak.hpp"
#include "ashlar/strategy/page.hpp"

using namespace ashlar;

namespace {

struct bead {
    gc::member<bead> next;
    std::size_t value = 0;
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = gc::members(&bead::next);
};
struct named {
    gc::member<named> next;
    std::string text;
    void trace(auto& visit) const { visit(next); }
};

/// Every n-th of as many links is kept.
std::vector<gc::root<bead>> sparse(gc::heap& h, std::size_t number, std::size_t n) {
    std::vector<gc::root<bead>> kept;
    for (std::size_t i = 0; i != number; ++i) {
        auto one = h.make<bead>(nullptr, i);
        if (i % n == 0) kept.push_back(one);
    }
    return kept;
}

}  // namespace

TEST_CASE("sliding: a sparse heap slides together in order, and what is free is given back", "[gc][sliding]") {
    gc::heap h({.automatic = false});
    auto kept = sparse(h, 400'000, 8);
    for (std::size_t i = 1; i != kept.size(); ++i) kept[i - 1]->next = kept[i];
    std::vector<const bead*> old;
    for (const auto& k : kept) old.push_back(k.get());
    const auto before = h.stats().footprint;
    REQUIRE(h.compact());
    CHECK(h.verify());
    CHECK(h.stats().compactions == 1);
    CHECK(h.stats().footprint < before / 4);
    for (std::size_t i = 0; i != kept.size(); ++i) {
        if (kept[i]->value != i * 8) FAIL("contents changed");
        if (i == 0) continue;
        if (kept[i - 1]->next != kept[i].get()) FAIL("a reference was lost");
        if ((kept[i - 1].get() < kept[i].get()) != (old[i - 1] < old[i])) FAIL("the order changed");
    }
    h.make<bead>();
    REQUIRE(h.compact());
    CHECK(h.verify());
}

TEST_CASE("sliding: evacuation moves what lies in sparse tiles, and nothing where no tile would become empty", "[gc][sliding]") {
    gc::heap h({.automatic = false});
    CHECK(!h.evacuate());
    auto few = sparse(h, 200'000, 20), many = sparse(h, 200'000, 1), few_more = sparse(h, 200'000, 20);
    for (std::size_t i = 0; i != few.size(); ++i) {
        few[i]->next = many[i];
        many[i]->next = few_more[i];
    }
    h.collect();
    const bead* const dense = many[100'000].get();
    const auto before = h.stats().footprint;
    REQUIRE(h.evacuate());
    CHECK(h.verify());
    CHECK(many[100'000].get() == dense);
    CHECK(h.stats().footprint < before * 6 / 10);
    for (std::size_t i = 0; i != few.size(); ++i) {
        if (few[i]->next != many[i].get() || many[i]->next != few_more[i].get()) FAIL("a reference was lost");
        if (few[i]->value != i * 20 || few_more[i]->value != i * 20) FAIL("contents changed");
    }
    const auto collections = h.stats().collections;
    CHECK(!h.evacuate());
    CHECK(h.stats().collections == collections);
}

TEST_CASE("sliding: what is pinned stays, between objects that slide", "[gc][sliding]") {
    gc::heap h({.automatic = false, .zeal = {.poison = true}});
    auto kept = sparse(h, 100'000, 3);
    std::vector<gc::pin<bead>> pins;
    std::vector<bead*> where;
    for (std::size_t i = 0; i < kept.size(); i += 100) {
        pins.emplace_back(kept[i]);
        where.push_back(kept[i].get());
    }
    REQUIRE(h.compact());
    REQUIRE(h.verify());
    for (std::size_t i = 0; i != pins.size(); ++i) {
        if (pins[i].get() != where[i] || kept[i * 100].get() != where[i] || where[i]->value != i * 300) FAIL("a pinned object moved");
    }
    pins.clear();
    REQUIRE(h.compact());
    CHECK(h.verify());
    CHECK(h.stats().footprint < 4 << 20);
}

TEST_CASE("sliding: objects move by their own move constructors, and weak references and globals follow", "[gc][sliding]") {
    gc::heap h({.zeal = {.poison = true}});
    std::vector<gc::root<named>> kept;
    for (int i = 0; i != 1000; ++i) {
        auto one = h.make<named>(nullptr, i % 2 == 0 ? "short" : "a text that is too long to be kept inside the string " + std::to_string(i));
        if (i % 3 == 0) kept.push_back(one);
    }
    const gc::weak<named> w(kept[101]);
    const gc::global<named> g(kept[101]);
    const void* const old = kept[101].get();
    REQUIRE(h.compact());
    CHECK(h.verify());
    CHECK(kept[101].get() != old);
    CHECK(w.lock() == kept[101]);
    CHECK(g.get() == kept[101].get());
    CHECK(kept[101]->text == "a text that is too long to be kept inside the string 303");
    CHECK(kept[100]->text == "short");
}

TEST_CASE("sliding: without memory for its plan nothing moves", "[gc][sliding]") {
    page<> pages;
    failure_plan plan;
    failing<page<>> upstream(pages, plan);
    gc::heap h(any_ref(upstream), {.automatic = false});
    const auto kept = sparse(h, 200'000, 2);
    const gc::pin<bead> p(kept[50'000]);
    const bead* const at = kept[70'000].get();
    h.collect();
    plan.arm(1, failure::from_then_on);
    CHECK_FALSE(h.compact());
    CHECK(h.verify());
    CHECK(kept[70'000].get() == at);
    CHECK(kept[70'000]->value == 140'000);
    plan.disarm();
    CHECK(h.compact());
    CHECK(kept[70'000].get() != at);
}
