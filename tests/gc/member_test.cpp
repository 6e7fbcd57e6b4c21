#include "ashlar/gc/member.hpp"

#include <catch2/catch.hpp>

#include <vector>

#include "ashlar/gc/collected_heap.hpp"

using namespace ashlar;

namespace {
struct animal {
    gc::member<animal> friend_of_it;
    int legs = 4;
    void trace(auto& visit) const { visit(friend_of_it); }
};
struct bird : animal {
    bird() { legs = 2; }
};
struct crowd {
    std::vector<gc::member<animal>> all;
    void trace(auto& visit) const { visit(all); }
};
}  // namespace

TEST_CASE("member: it is one word, takes roots, handles and other members, and compares by object", "[gc][member]") {
    STATIC_REQUIRE(sizeof(gc::member<animal>) == sizeof(void*));
    gc::heap h;
    const auto a = h.make<animal>();
    const auto b = h.make<bird>();
    a->friend_of_it = b;
    CHECK(a->friend_of_it->legs == 2);
    b->friend_of_it = a->friend_of_it;
    CHECK(b->friend_of_it == a->friend_of_it);
    CHECK(b->friend_of_it == b.get());
    gc::member<animal> copy = gc::handle<animal>(b);
    CHECK((*copy).legs == 2);
    copy = nullptr;
    CHECK(!copy);
    CHECK(copy == gc::member<animal>());
}

TEST_CASE("member: what members reach lives, and goes when the last of them is reset", "[gc][member]") {
    gc::heap h;
    const auto a = h.make<animal>();
    a->friend_of_it = h.make<bird>();
    a->friend_of_it->friend_of_it = h.make<bird>();
    h.collect();
    CHECK(h.stats().live == 3 * 32);
    a->friend_of_it = a->friend_of_it->friend_of_it;
    h.collect();
    CHECK(h.stats().live == 2 * 32);
    a->friend_of_it = nullptr;
    h.collect();
    CHECK(h.stats().live == 32);
}

TEST_CASE("member: in a generational heap what an old object is given lives, and what was young and dropped dies", "[gc][member]") {
    gc::heap h({.headroom = 100'000, .growth = 0, .generational = true});
    const auto old = h.make<animal>();
    h.collect();
    old->friend_of_it = h.make<bird>();
    while (h.stats().young < 5) h.make<bird>();
    CHECK(old->friend_of_it->legs == 2);
    CHECK(h.stats().live == 2 * 32);
    old->friend_of_it = nullptr;
    const std::size_t full = h.stats().collections - h.stats().young;
    while (h.stats().young < 7) h.make<bird>();
    CHECK(h.stats().live == 2 * 32);  // the second one is old by now: a full collection finds it
    CHECK(h.stats().collections - h.stats().young == full);
    h.collect();
    CHECK(h.stats().live == 32);
    CHECK(h.verify());
}

TEST_CASE("member: what a container of an old object holds is found by young collections", "[gc][member]") {
    gc::heap h({.headroom = 100'000, .generational = true, .zeal = {.collect = true, .poison = true}});
    const auto c = h.make<crowd>();
    h.collect();
    for (int i = 0; i != 100; ++i) {
        c->all.push_back(h.make<bird>());
        if (i % 2 == 0) c->all[static_cast<std::size_t>(i / 2)] = h.make<bird>();
    }
    CHECK(h.verify());
    for (const auto& a : c->all) CHECK(a->legs == 2);
    c->all.clear();
    h.collect();
    CHECK(h.stats().live == gc::detail::granules_for(sizeof(crowd)) * 16);
}
