#include "ashlar/ownership/joint.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;
using namespace owners;

namespace {

struct alignas(64) wide {
    char c = 'w';
};
struct plain {
    explicit plain(int v = 0) : value(v) {}
    int value;
};

std::vector<std::string> ends;
template <char Name>
struct named {
    ~named() { ends.push_back(std::string(1, Name)); }
};
/// Holds on to its arrays, and reads them when it is destroyed.
struct table {
    table(elements<std::string> w, elements<int> l, std::string first) : words(w), lengths(l) { words[0] = std::move(first); }
    ~table() { ends.push_back("table of " + words[0]); }
    elements<std::string> words;
    elements<int> lengths;
};

}  // namespace

TEST_CASE("joint: an object and its arrays take one block, each part at its alignment", "[ownership][joint]") {
    ledger a;
    {
        const auto j = make_joint<plain, char, wide, double>(a, {3, 2, 5}, 42).value();
        CHECK(j->value == 42);
        CHECK(j.array<0>().size() == 3);
        CHECK(j.array<2>().size() == 5);
        CHECK(reinterpret_cast<std::uintptr_t>(j.array<1>().data()) % 64 == 0);
        CHECK(j.array<1>()[1].c == 'w');
        CHECK(j.array<2>()[4] == 0.0);
        CHECK(a.granted == 1);
        // joint.I1: in order, without overlap
        CHECK(static_cast<void*>(j.get() + 1) <= static_cast<void*>(j.array<0>().begin()));
        CHECK(static_cast<void*>(j.array<0>().end()) <= static_cast<void*>(j.array<1>().begin()));
        CHECK(static_cast<void*>(j.array<1>().end()) <= static_cast<void*>(j.array<2>().begin()));
    }
    CHECK(a.settled());
    STATIC_REQUIRE(sizeof(joint<region, plain, int>) == sizeof(void*));
    STATIC_REQUIRE(sizeof(joint<ledger, plain, int>) == 2 * sizeof(void*));
}

TEST_CASE("joint: the object may use its arrays from its constructor to its destructor", "[ownership][joint]") {
    ledger a;
    ends.clear();
    {
        const auto j = make_joint<table, std::string, int>(a, {2, 1}, "a word that is longer than a small string").value();
        CHECK(j->words[0] == j.array<0>()[0]);
    }
    CHECK(ends == std::vector<std::string>{"table of a word that is longer than a small string"});
    CHECK(a.settled());
}

TEST_CASE("joint: arrays are destroyed after the object, the last first", "[ownership][joint]") {
    ledger a;
    ends.clear();
    { const auto j = make_joint<named<'o'>, named<'1'>, named<'2'>>(a, {2, 1}).value(); }
    CHECK(ends == std::vector<std::string>{"o", "2", "1", "1"});
}

TEST_CASE("joint: an index past an array's end breaks the contract", "[ownership][joint]") {
    ledger a;
    auto j = make_joint<plain, int, int>(a, {3, 0}).value();
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(j.array<0>()[3]); }).empty());
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(j.array<1>()[0]); }).empty());
    const auto moved = std::move(j);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(*j); }).empty());
    CHECK(moved);
}

TEST_CASE("joint: a refusal, or lengths that no layout holds, make nothing", "[ownership][joint]") {
    ledger a;
    fragile::start();
    CHECK_FALSE(make_joint<fragile, fragile, long>(a, {1, hidden(SIZE_MAX / 8)}));
    CHECK_FALSE(make_joint<fragile, char, char>(a, {hidden(layout::max_size), hidden(layout::max_size)}));
    a.plan.arm(1, failure::once);
    CHECK_FALSE(make_joint<fragile, fragile>(a, {3}));
    CHECK(fragile::made == 0);
    CHECK(a.settled());
}

TEST_CASE("joint: whichever constructor throws, everything made before it is undone", "[ownership][joint]") {
    ledger a;
    for (int at = 1; at <= 6; ++at) {
        fragile::start(at);
        CHECK_THROWS(make_joint<fragile, fragile, fragile>(a, {2, 3}, 1).has_value());
        CHECK(fragile::made == at);
        CHECK(fragile::alive == 0);
        CHECK(a.settled());
    }
    fragile::start();
    { const auto whole = make_joint<fragile, fragile, fragile>(a, {2, 3}, 1).value(); }
    CHECK(fragile::alive == 0);
    CHECK(a.settled());
}
