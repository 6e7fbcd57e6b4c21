#include "ashlar/observe/stack_costs.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "ashlar/observe/summary.hpp"

using namespace ashlar;

TEST_CASE("stack_costs: what was live at the peak is told per stack as if it had been copied then", "[observe][stack_costs]") {
    std::mt19937_64 random(5);
    for (int round = 0; round < 50; ++round) {
        stack_costs costs;
        std::multimap<std::uint32_t, std::uint64_t> live;
        std::map<std::uint32_t, tally> at_peak;
        std::uint64_t bytes = 0, most = 0;
        for (int i = 0; i < 300; ++i) {
            if (!live.empty() && random() % 5 < 2 + static_cast<unsigned>(i) % 100 / 50) {
                auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
                costs.release(victim->first, victim->second, false);
                bytes -= victim->second;
                live.erase(victim);
                continue;
            }
            const auto stack = static_cast<std::uint32_t>(random() % 12);
            const std::uint64_t size = random() % 100;
            costs.grant(stack, size);
            live.emplace(stack, size);
            bytes += size;
            if (bytes <= most) continue;
            most = bytes;
            costs.peak();
            at_peak.clear();
            for (const auto& [s, n] : live) at_peak[s].add(n);
        }
        std::uint64_t sum = 0;
        for (const auto& row : costs.rows()) {
            CHECK(row.what.at_peak == at_peak[row.stack]);
            sum += row.what.at_peak.bytes;
        }
        CHECK(sum == most);  // stack_costs.I1
    }
}

TEST_CASE("stack_costs: a summary's stacks add up to its totals", "[observe][stack_costs]") {
    summary_builder b;
    using k = event_kind;
    std::uint64_t t = 0;
    b.add({.time_ns = ++t, .address = 16, .size = 100, .stack = 2, .kind = k::malloc});
    b.add({.time_ns = ++t, .address = 32, .size = 7, .stack = 3, .kind = k::malloc});
    b.add({.time_ns = ++t, .address = 32, .kind = k::free});                                  // temporary
    b.add({.time_ns = ++t, .address = 48, .size = 300, .old_address = 16, .stack = 9, .kind = k::realloc});
    b.add({.time_ns = ++t, .address = 64, .size = 1, .stack = 2, .thread = 1, .kind = k::malloc});
    b.add({.time_ns = ++t, .size = 1, .stack = 2, .kind = k::malloc, .failed = true});
    const auto s = b.finish(t);
    REQUIRE(s->stacks.size() == 3);
    CHECK(s->stacks[0].stack == 2);
    CHECK(s->stacks[0].what == cost{{2, 101}, {1, 1}, {0, 0}, {1, 1}});
    CHECK(s->stacks[1].what == cost{{1, 7}, {0, 0}, {1, 7}, {0, 0}});
    CHECK(s->stacks[2].what == cost{{1, 300}, {1, 300}, {0, 0}, {1, 300}});
    cost sum;
    for (const auto& row : s->stacks) sum += row.what;
    CHECK(sum.allocated == tally{s->allocations, s->bytes_allocated});
    CHECK(sum.at_peak == tally{s->blocks_at_peak, s->peak_bytes});
    CHECK(sum.live == s->leaked);
    CHECK(sum.temporary == s->temporary);
}
