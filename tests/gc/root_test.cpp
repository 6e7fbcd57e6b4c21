#include "ashlar/gc/root.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/compose/failing.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"
#include "ashlar/strategy/page.hpp"

using namespace ashlar;

namespace {
struct thing {
    int value = 0;
};
struct base {
    gc::member<base> next;
    int value = 0;
    void trace(auto& visit) const { visit(next); }
};
struct derived : base {};

int read(gc::handle<base> h) { return h->value; }
std::size_t alive(gc::heap& h) {
    h.collect();
    return h.stats().live / 16;
}
}  // namespace

TEST_CASE("root: copies, moves and swaps keep alive what they hold, and nothing else", "[gc][root]") {
    gc::heap h;
    gc::root<thing> a = h.make<thing>(1), b = a, empty;
    gc::root<thing> c = std::move(a);
    CHECK(!a);
    CHECK(b == c);
    CHECK(alive(h) == 1);
    auto d = h.make<thing>(2);
    b.swap(d);
    b.swap(d);
    empty = b;
    auto& same = empty;
    empty = std::move(same);
    b = nullptr;
    CHECK(empty->value == 1);
    CHECK(alive(h) == 2);
    empty = c = nullptr;
    CHECK(alive(h) == 1);
    CHECK(d->value == 2);
}

TEST_CASE("root: they live in containers, and come and go in any order", "[gc][root]") {
    gc::heap h;
    std::vector<gc::root<thing>> all;
    for (int i = 0; i != 100; ++i) all.push_back(h.make<thing>(i));
    all.erase(all.begin() + 10, all.begin() + 60);
    CHECK(alive(h) == 50);
    CHECK(all[10]->value == 60);
    all.clear();
    CHECK(alive(h) == 0);
}

TEST_CASE("root: one that is given an object of another heap changes to its ring", "[gc][root]") {
    gc::heap h, other;
    auto r = h.make<thing>(1);
    r = other.make<thing>(2);
    CHECK(alive(h) == 0);
    CHECK(alive(other) == 1);
}

TEST_CASE("root: handles, bases and roots of `this` see the object", "[gc][root]") {
    gc::heap h;
    auto d = h.make<derived>();
    d->value = 5;
    CHECK(read(d) == 5);
    gc::root<base> b = d;
    d->next = b;
    d = nullptr;
    CHECK(alive(h) == 2);
    const gc::root<base> again(b->next.get());
    CHECK(again == b);
}

TEST_CASE("root: globals and pins keep alive too", "[gc][root]") {
    gc::heap h;
    gc::global<thing> g, none;
    {
        const auto r = h.make<thing>(7);
        g = r;
    }
    CHECK(alive(h) == 1);
    std::vector<gc::global<thing>> many;
    for (int i = 0; i != 500; ++i) many.emplace_back(h.make<thing>(i));
    CHECK(alive(h) == 501);
    CHECK(many[499]->value == 499);
    many.clear();
    none = std::move(g);
    CHECK(none->value == 7);
    CHECK(alive(h) == 1);
    auto r = h.make<thing>(8);
    const gc::pin<thing> p(r), q(p);
    r = nullptr;
    CHECK(alive(h) == 2);
    CHECK(p->value + q->value == 16);
    none = {};
    CHECK(alive(h) == 1);
}

TEST_CASE("root: where no memory is left for another one a copy throws, and those that are there go on", "[gc][root]") {
    page<> pages;
    failure_plan plan;
    failing<page<>> upstream(pages, plan);
    gc::heap h(any_ref(upstream), {});
    std::vector<gc::root<thing>> all;
    all.push_back(h.make<thing>(3));
    plan.arm(1, failure::from_then_on);
    CHECK_THROWS_AS([&] {
        for (;;) all.push_back(all.front());
    }(), std::bad_alloc);
    CHECK(all.size() > 100);
    CHECK(!h.try_make<thing>(4));
    CHECK_THROWS_AS(h.make<thing>(4), std::bad_alloc);
    all.pop_back();
    CHECK(h.make<thing>(5)->value == 5);
    CHECK(h.verify());
    plan.disarm();
    all.push_back(h.make<thing>(6));
    CHECK(all.back()->value == 6);
    all.clear();
    CHECK(alive(h) == 0);
}
