#include "ashlar/compose/adaptive.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "ashlar/testing/ground.hpp"
#include "support/broken_contract.hpp"
#include "support/small_candidates.hpp"

using namespace ashlar;

namespace {
using test_candidates::cursor;
using test_candidates::heap;

/// The arena where blocks are seldom given back between requests, else the heap.
struct by_turns {
    candidate_costs<2> operator()(const usage& seen) const noexcept {
        return seen.turns * 2 > seen.watched ? candidate_costs<2>{200, 20} : candidate_costs<2>{20, 200};
    }
};
/// Whatever the test says.
struct told {
    const candidate_costs<2>* costs;
    usage* seen;
    candidate_costs<2> operator()(const usage& u) const noexcept {
        *seen = u;
        return *costs;
    }
};
constexpr adaptive_options quick{.window = 32, .watched = 4, .slack = 4, .allowance = 8192, .change = {.least_stay = 64, .price = 1000}};
using upstream = testing::ground::upstream_type;
using memory = apportioned<2, upstream, 32768>;
using by_phases = adaptive<by_turns, memory, cursor, heap>;
using as_told = adaptive<told, memory, cursor, heap>;

/// One that does as the test says, on memory of its own.
struct trial {
    explicit trial(candidate_costs<2> first, std::size_t bytes = std::size_t{4} << 20) : g(bytes), costs(first), a(g.upstream(), quick, {&costs, &seen}) {}
    testing::ground g;
    candidate_costs<2> costs;
    usage seen;
    as_told a;
};

const layout l = *layout::make(48, 16);
struct held {
    std::byte* data;
    layout l;
};
template <class A>
held take(A& a, layout what = l) {
    const auto granted = a.allocate(what);
    REQUIRE(granted);
    std::memset(granted->data, 7, what.size());
    return {granted->data, what};
}
template <class A>
void give(A& a, std::vector<held>& all) {
    for (const held& b : all) a.deallocate(b.data, b.l);
    all.clear();
}
template <class A>
void churn(A& a, std::vector<held>& live, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        held& b = live[i * 7 % live.size()];
        a.deallocate(b.data, b.l);
        b = take(a);
    }
}
}  // namespace

TEST_CASE("adaptive: follows the phases of its client, and no live block moves", "[compose][adaptive]") {
    testing::ground g(std::size_t{8} << 20);
    by_phases a(g.upstream(), quick);
    std::vector<held> live, kept;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 1000; ++i) live.push_back(take(a));
        CHECK(a.active() == 0);
        churn(a, live, 1000);
        CHECK(a.active() == 1);
        kept.push_back(live.back());
        live.pop_back();
        for (const held& b : kept) CHECK(std::to_integer<int>(b.data[47]) == 7);
        give(a, live);
    }
    CHECK((a.changes() == 5 && a.live_blocks(0) + a.live_blocks(1) == 3));  // adaptive.I2
    give(a, kept);
    CHECK((a.live_blocks(0) == 0 && a.live_blocks(1) == 0 && a.memory().consistent()));
    a.trim();
    CHECK(g.managed().empty());
}

TEST_CASE("adaptive: a block goes back to its granter however often it has changed since", "[compose][adaptive]") {
    trial t({10, 500});
    auto& [g, costs, seen, a] = t;
    std::vector<held> live;
    for (int i = 0; i < 600; ++i) {
        if (i % 100 == 0) costs = {costs[1], costs[0]};
        live.push_back(take(a));
        CHECK(a.owns(live.back().data));
    }
    CHECK(a.changes() >= 3);
    CHECK((a.live_blocks(0) > 0 && a.live_blocks(1) > 0 && a.live_blocks(0) + a.live_blocks(1) == 600));
    give(a, live);  // adaptive.I1: each candidate checks that its blocks are its own
    CHECK((a.live_blocks(0) == 0 && a.live_blocks(1) == 0));
}

TEST_CASE("adaptive: what is no longer active gives its memory back with its last block", "[compose][adaptive]") {
    trial t({10, 500});
    auto& [g, costs, seen, a] = t;
    std::vector<held> live, other;
    for (int i = 0; i < 500; ++i) live.push_back(take(a));
    costs = {500, 10};
    while (a.active() == 0) other.push_back(take(a));
    const std::size_t old = a.held_bytes(0);
    CHECK(old > 500 * 48);
    const held last = live.back();
    live.pop_back();
    give(a, live);
    for (const held& b : other) a.deallocate(b.data, b.l);
    CHECK(a.held_bytes(0) != 0);
    a.deallocate(last.data, last.l);
    CHECK(a.held_bytes(0) == 0);  // adaptive.I3, without a request more
}

TEST_CASE("adaptive: what wastes too much is left, whatever the judge says", "[compose][adaptive]") {
    trial t({10, 40}, std::size_t{8} << 20);  // the arena, always
    auto& [g, costs, seen, a] = t;
    std::vector<held> live;
    for (int i = 0; i < 20; ++i) live.push_back(take(a));
    std::size_t most = 0;
    for (int i = 0; i < 200; ++i) {
        churn(a, live, 50);
        const std::size_t waste = a.held_bytes(0);
        most = waste > most ? waste : most;
    }
    // adaptive.I4: four times what is live, the allowance, and what the requests of a stay and a window may take.
    CHECK(most <= 4 * 20 * 56 + quick.allowance + (64 + 32) * 56 + 2 * 1024);
    CHECK(a.changes() >= 2);
    CHECK(seen.live == 20);
    give(a, live);
}

TEST_CASE("adaptive: what the active one refuses another grants, and blocks that none holds come from the upstream", "[compose][adaptive]") {
    trial t({10, 500});
    auto& [g, costs, seen, a] = t;
    const held small = take(a), large = take(a, *layout::make(200'000, 64)), wide = take(a, *layout::make(64, 8192));
    CHECK((memory::whose(small.data) == 0 && memory::whose(large.data) == 2));
    CHECK((a.owns(large.data + 199'999) && a.available(*layout::make(500'000, 16))));
    CHECK_FALSE(a.grow_in_place(large.data, large.l, *large.l.resized(300'000)));
    const auto moved = reallocate(a, large.data, large.l, *large.l.resized(300'000), 200'000);
    REQUIRE(moved);
    CHECK((std::to_integer<int>(moved->data[199'999]) == 7 && memory::whose(moved->data) == 2));
    a.deallocate(moved->data, *large.l.resized(300'000));
    a.deallocate(wide.data, wide.l);
    a.deallocate(small.data, small.l);
    CHECK_FALSE(a.allocate(*layout::make(layout::max_size - 4096, 16)));
    CHECK_FALSE(a.available(*layout::make(16, 65536)));
    a.trim();
    CHECK(g.managed().empty());
}

TEST_CASE("adaptive: a refused request is not seen", "[compose][adaptive]") {
    trial t({10, 500}, 0);
    auto& [g, costs, seen, a] = t;
    for (int i = 0; i < 500; ++i) CHECK_FALSE(a.allocate(l));
    CHECK((seen.watched == 0 && a.live_blocks(0) == 0 && a.live_blocks(1) == 0));
}

TEST_CASE("adaptive: a window tells the judge what happened in it", "[compose][adaptive]") {
    trial t({10, 500});
    auto& [g, costs, seen, a] = t;
    std::vector<held> live;
    for (int i = 0; i < 16; ++i) live.push_back(take(a));
    for (int i = 0; i < 16; ++i) a.deallocate(take(a).data, l);
    CHECK((seen.grants == 32 && seen.frees == 15 && seen.live == 17));
    CHECK((seen.watched == 4 && seen.turns == 3 && seen.newest_first == 3 && seen.distinct == 1 && seen.bytes == 4 * 48));
    give(a, live);
}

TEST_CASE("adaptive: reallocation takes a block of what is no longer active along", "[compose][adaptive]") {
    trial t({500, 10});
    auto& [g, costs, seen, a] = t;
    const held old = take(a);
    std::vector<held> live;
    while (a.active() == 0) live.push_back(take(a));
    const auto moved = reallocate(a, old.data, l, *l.resized(480), 48);
    REQUIRE(moved);
    CHECK((memory::whose(old.data) == 0 && memory::whose(moved->data) == 1 && std::to_integer<int>(moved->data[47]) == 7));
    a.deallocate(moved->data, *l.resized(480));
    a.reset();
    CHECK((a.live_blocks(0) == 0 && a.live_blocks(1) == 0 && a.held_bytes(0) == 0));
}

TEST_CASE("adaptive: freeing what is not its own breaks the contract", "[compose][adaptive]") {
    testing::ground g;
    by_phases a(g.upstream(), quick), b(g.upstream(), quick);
    const held p = take(a), q = take(b);
    CHECK(support::broken_contract([&] { a.deallocate(q.data, l); }) == "memory_.may_be_ours(p)");
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(a.allocate(*layout::make(0, 8))); }).empty());
    a.deallocate(p.data, l);
    b.deallocate(q.data, l);
}
