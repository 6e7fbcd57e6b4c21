#include "ashlar/gc/weak.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

#include "ashlar/gc/collected_heap.hpp"

using namespace ashlar;

namespace {
struct thing {
    explicit thing(int v = 0) : value(v) {}
    int value;
    gc::weak<thing> back;
    gc::member<thing> next;
    void trace(auto& visit) const { visit(next, back); }
};
using entry = gc::ephemeron<thing, thing>;
}  // namespace

TEST_CASE("weak: it is null once its object was found unreachable, in every copy", "[gc][weak]") {
    gc::heap h;
    auto a = h.make<thing>();
    gc::weak<thing> w(a), copy = w, none;
    CHECK(none.expired());
    CHECK(w.lock() == a);
    h.collect();
    CHECK(w.lock() == a);
    a = nullptr;
    CHECK_FALSE(w.expired());
    h.collect();
    CHECK(w.expired());
    CHECK(!copy.lock());
    none = copy;
    CHECK(none.expired());
}

TEST_CASE("weak: what was locked lives, and one inside an object keeps nothing alive", "[gc][weak]") {
    gc::heap h;
    auto a = h.make<thing>();
    a->next = h.make<thing>();
    a->next->back = gc::weak<thing>(a);
    h.collect();
    CHECK(a->next->back.lock() == a);
    auto b = gc::root<thing>(a->next);
    a = nullptr;
    auto locked = b->back.lock();
    h.collect();
    CHECK_FALSE(b->back.expired());
    locked = nullptr;
    h.collect();
    CHECK(b->back.expired());
}

TEST_CASE("weak: what is locked between two steps of a collection lives, and what is not is found by the next", "[gc][weak]") {
    gc::heap h({.automatic = false});
    auto long_list = h.make<thing>();
    for (int i = 0; i != 1000; ++i) {
        auto more = h.make<thing>();
        more->next = long_list;
        long_list = more;
    }
    auto a = h.make<thing>(), b = h.make<thing>();
    const gc::weak<thing> locked(a), left(b);
    h.collect();
    a = b = nullptr;
    gc::root<thing> again;
    int steps = 0;
    for (bool over = false; !over; ++steps) {
        over = h.step(std::chrono::nanoseconds(0));
        if (steps == 0) again = locked.lock();
    }
    CHECK(steps > 10);
    CHECK(again.get() != nullptr);
    CHECK(!locked.expired());
    CHECK(left.expired());
    CHECK(h.verify());
}

TEST_CASE("weak: an ephemeron's value lives while its key does, and no longer", "[gc][weak]") {
    gc::heap h;
    auto key = h.make<thing>(1);
    const auto e = h.make<entry>(key, h.make<thing>(2));
    e->get_value()->next = key;
    h.collect();
    CHECK(e->get_value()->value == 2);
    key = nullptr;
    h.collect();
    CHECK(!e->get_key());
    CHECK(!e->get_value());
}

TEST_CASE("weak: a chain of ephemerons of which each gives the next its key unlocks in both orders", "[gc][weak]") {
    for (const bool upward : {true, false}) {
        gc::heap h;
        std::vector<gc::root<thing>> keys;
        constexpr int n = 20'000;
        for (int i = 0; i <= n; ++i) keys.push_back(h.make<thing>(i));
        const auto all = h.make_array<gc::member<entry>>(n);
        for (std::size_t i = 0; i != n; ++i) (*all)[upward ? i : n - 1 - i] = h.make<entry>(keys[i], keys[i + 1]);
        auto first = keys.front();
        keys.clear();
        h.collect();
        CHECK((*all)[upward ? n - 1 : 0]->get_value()->value == n);
        first = nullptr;
        h.collect();
        CHECK(!(*all)[upward ? n - 1 : 0]->get_value());
        CHECK(!(*all)[upward ? 0 : n - 1]->get_value());
    }
}
