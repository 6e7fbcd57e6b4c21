#include "ashlar/preset/adaptive_default.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "ashlar/testing/ground.hpp"

using namespace ashlar;

namespace {
struct held {
    std::byte* data;
    layout l;
};
template <class A>
held take(A& a, std::size_t size) {
    const layout l = *layout::make(size, 16);
    const auto granted = a.allocate(l);
    REQUIRE(granted);
    std::memset(granted->data, static_cast<int>(size % 251), size < 64 ? size : 64);
    return {granted->data, l};
}
template <class A>
void give(A& a, std::vector<held>& all) {
    bool kept = true;
    for (const held& b : all) {
        kept = kept && std::to_integer<std::size_t>(b.data[b.l.size() < 64 ? b.l.size() - 1 : 63]) == b.l.size() % 251;
        a.deallocate(b.data, b.l);
    }
    CHECK(kept);
    all.clear();
}
std::size_t total(const adaptive_default<>& a) { return a.live_blocks(0) + a.live_blocks(1) + a.live_blocks(2); }

usage window() {
    usage seen;
    seen.grants = 1024;
    seen.watched = 64;
    seen.bytes = 64 * 100;
    seen.small_bytes = seen.bytes;
    return seen;
}
std::size_t cheapest(const usage& seen) {
    const auto costs = preset::bulk_pools_general()(seen);
    std::size_t best = 0;
    for (std::size_t i = 1; i < costs.size(); ++i) best = costs[i] < costs[best] ? i : best;
    return best;
}
}  // namespace

TEST_CASE("adaptive_default: its judge knows what each candidate is for", "[preset][adaptive_default]") {
    usage seen = window();
    CHECK(cheapest(seen) == 0);  // nothing comes back between requests
    seen.turns = 64;
    CHECK(cheapest(seen) == 1);  // a steady state
    seen.newest_first = 64;
    CHECK(cheapest(seen) == 0);  // last in, first out: the arena's cursor goes back
    seen.active = 0;
    seen.regained = 1024 * 100;
    CHECK(cheapest(seen) == 1);  // the arena takes new memory for what the old would have served
    seen.above_page = 64;
    seen.turns = 64;
    seen.bytes = 64 * 20'000;
    seen.small_bytes = 0;
    CHECK(cheapest(seen) == 2);
}

TEST_CASE("adaptive_default: changes with the phases of a program and ends empty", "[preset][adaptive_default]") {
    adaptive_default<> a;
    std::vector<held> live;
    for (std::size_t i = 0; i < 20'000; ++i) live.push_back(take(a, 16 + i * 37 % 184));
    CHECK(a.active() == 0);
    give(a, live);
    for (std::size_t i = 0; i < 2'000; ++i) live.push_back(take(a, 96));
    for (std::size_t i = 0; i < 20'000; ++i) {
        held& b = live[i * 1237 % live.size()];
        a.deallocate(b.data, b.l);
        b = take(a, 96);
    }
    CHECK((a.active() == 1 && total(a) == 2'000));
    CHECK(a.live_blocks(1) == 2'000);
    CHECK(a.held_bytes(0) == 0);  // drained, and given back
    give(a, live);
    a.trim();
    CHECK((total(a) == 0 && a.memory().managed_bytes() == 0 && a.memory().consistent()));
}

TEST_CASE("adaptive_default: a steady state does not grow", "[preset][adaptive_default]") {
    adaptive_default<> a;
    std::vector<held> live;
    for (std::size_t i = 0; i < 3'000; ++i) live.push_back(take(a, 16 + i * 37 % 184));
    std::size_t most = 0;
    for (std::size_t i = 0; i < 60'000; ++i) {
        held& b = live[i * 1237 % live.size()];
        a.deallocate(b.data, b.l);
        b = take(a, 16 + i * 41 % 184);
        const std::size_t now = a.memory().managed_bytes();
        most = now > most ? now : most;
    }
    CHECK(most <= std::size_t{6} << 20);  // 3,000 blocks of some 100 bytes, and regions of 1 MiB
    give(a, live);
}
