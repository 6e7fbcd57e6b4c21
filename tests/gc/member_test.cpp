#include "ashlar/gc/member.hpp"

#include <catch2/catch.hpp>

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
