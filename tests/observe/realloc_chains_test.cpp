#include "ashlar/observe/realloc_chains.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;

TEST_CASE("realloc_chains: a chain counts its reallocations, and bytes only where the block moved", "[observe][realloc_chains]") {
    realloc_chains chains;
    chains.resize(16, 10, 16, 20, 7, false);   // in place
    chains.resize(16, 20, 64, 40, 7, true);    // 20 bytes moved
    chains.resize(64, 40, 96, 5, 9, true);     // shrunk elsewhere: 5 bytes moved
    const auto live = chains.now();
    CHECK(live.total == realloc_cost{3, 2, 25});
    REQUIRE(live.longest.size() == 1);
    CHECK(live.longest[0].first_size == 10);
    CHECK(live.longest[0].last_size == 5);
    CHECK(live.longest[0].stack == 9);
    chains.end(96);
    CHECK(chains.now().lengths[2].chains == 1);  // 2 or 3 reallocations
    CHECK(chains.now().lengths[2].moved_bytes == 25);
}

TEST_CASE("realloc_chains: the sums over lengths and over stacks are the totals", "[observe][realloc_chains]") {  // realloc_chains.I1
    realloc_chains chains;
    for (std::uint64_t block = 1; block <= 200; ++block) {
        std::uint64_t at = block << 20;
        for (std::uint64_t step = 0; step < block % 13 + 1; ++step) {
            const std::uint64_t to = step % 3 == 0 ? at : at + 16;
            chains.resize(at, 8 * step, to, 8 * step + 8, static_cast<std::uint32_t>(block % 5), step > 0);
            at = to;
        }
        if (block % 2 == 0) chains.end(at);
    }
    const auto f = chains.now();
    realloc_cost stacks;
    for (const auto& row : f.stacks) stacks += row.what;
    CHECK(stacks == f.total);
    std::uint64_t count = 0, moved = 0;
    for (const auto& row : f.lengths) count += row.chains, moved += row.moved_bytes;
    CHECK(count == 200);
    CHECK(moved == f.total.moved_bytes);
}

TEST_CASE("realloc_chains: the longest chains are told, and the longest of each stack", "[observe][realloc_chains]") {
    realloc_chains chains;
    std::uint64_t at = 0;
    const auto grow = [&](std::uint32_t stack, int times) {
        at += 4096;
        for (int i = 0; i < times; ++i) chains.resize(at, 1, at, 1, stack, i > 0);
        chains.end(at);
    };
    SECTION("with stacks") {
        for (int times = 1; times <= 40; ++times) grow(1 + static_cast<std::uint32_t>(times) % 3, times);
        const auto stacks = chains.now().stacks;
        REQUIRE(stacks.size() == 3);
        CHECK(stacks[0].stack == 1);
        CHECK(stacks[0].longest.what.reallocations == 39);
        CHECK(stacks[1].longest.what.reallocations == 40);
    }
    SECTION("without") {
        for (int times = 40; times >= 1; --times) grow(0, times);
        const auto longest = chains.now().longest;
        REQUIRE(longest.size() == realloc_chains::longest_limit);
        CHECK(longest.front().what.reallocations == 40);
        CHECK(longest.back().what.reallocations == 25);
    }
}
