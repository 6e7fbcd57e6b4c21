// A trace becomes steps on numbered slots; nothing that cannot be done again is left in.
#include "ashlar/observe/replay_script.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace {

using ashlar::event;
using ashlar::event_kind;
using ashlar::replay_op;
using ashlar::replay_step;

event request(event_kind kind, std::uint64_t address, std::uint64_t size, std::uint64_t alignment = 0) {
    event e;
    e.kind = kind;
    e.address = address;
    e.size = size;
    e.alignment = alignment;
    return e;
}
event release(std::uint64_t address) {
    event e;
    e.kind = event_kind::free;
    e.address = address;
    return e;
}
event reallocation(std::uint64_t from, std::uint64_t to, std::uint64_t size) {
    event e = request(event_kind::realloc, to, size);
    e.old_address = from;
    return e;
}

struct made {
    std::vector<replay_step> steps;
    ashlar::replay_facts facts;
};
made script(const std::vector<event>& events, std::uint64_t limit = UINT64_MAX) {
    made all;
    ashlar::replay_script_builder builder(
        [&](std::span<const replay_step> steps) { all.steps.insert(all.steps.end(), steps.begin(), steps.end()); }, 4096, limit);
    for (const auto& e : events) {
        if (!builder.add(e)) break;
    }
    all.facts = builder.finish();
    return all;
}

}  // namespace

TEST_CASE("replay_script: a grant and its release use one slot, and the slot is used again", "[observe][replay_script]") {
    const auto all = script({request(event_kind::malloc, 0x1000, 40), release(0x1000), request(event_kind::calloc, 0x2000, 8)});
    REQUIRE(all.steps == std::vector<replay_step>{{40, 0, 0, 4, replay_op::allocate},
                                                  {40, 0, 0, 4, replay_op::deallocate},
                                                  {8, 0, 0, 3, replay_op::allocate_zeroed}});
    CHECK(all.facts.slots == 1);
    CHECK(all.facts.peak_bytes == 40);
    CHECK(all.facts.live_bytes_at_end == 8);
    CHECK(all.facts.bytes_allocated == 48);
    CHECK(all.facts.largest_bytes == 40);
}

TEST_CASE("replay_script: blocks live at once have different slots", "[observe][replay_script]") {
    const auto all = script({request(event_kind::malloc, 0x1000, 16), request(event_kind::malloc, 0x2000, 16)});
    CHECK(all.steps[0].slot != all.steps[1].slot);
    CHECK(all.facts.slots == 2);
}

TEST_CASE("replay_script: a reallocation keeps its slot, whether or not the block moved", "[observe][replay_script]") {
    const auto all = script({request(event_kind::malloc, 0x1000, 16), reallocation(0x1000, 0x1000, 32), reallocation(0x1000, 0x3000, 64),
                             release(0x3000)});
    REQUIRE(all.steps.size() == 4);
    CHECK(all.steps[2] == replay_step{64, 0, 0, 4, replay_op::reallocate});
    CHECK(all.steps[3] == replay_step{64, 0, 0, 4, replay_op::deallocate});
    CHECK(all.facts.reallocations == 2);
    CHECK(all.facts.live_bytes_at_end == 0);
}

TEST_CASE("replay_script: realloc of nothing allocates, and realloc to nothing gives back", "[observe][replay_script]") {
    const auto all = script({reallocation(0, 0x1000, 16), reallocation(0x1000, 0, 0)});
    REQUIRE(all.steps.size() == 2);
    CHECK(all.steps[0].op == replay_op::allocate);
    CHECK(all.steps[1].op == replay_op::deallocate);
}

TEST_CASE("replay_script: a request for nothing is replayed as one byte", "[observe][replay_script]") {
    CHECK(script({request(event_kind::malloc, 0x1000, 0)}).steps[0].size == 1);
}

TEST_CASE("replay_script: stated alignments are kept, and impossible ones are not", "[observe][replay_script]") {
    const auto all = script({request(event_kind::posix_memalign, 0x1000, 100, 256), request(event_kind::valloc, 0x2000, 100),
                             request(event_kind::memalign, 0x3000, 100, 48)});
    CHECK(all.steps[0].alignment() == 256);
    CHECK(all.steps[1].alignment() == 4096);
    CHECK(all.steps[2].alignment() == 16);
}

TEST_CASE("replay_script: failed requests and foreign releases are left out and counted", "[observe][replay_script]") {
    event refused = request(event_kind::malloc, 0, 1 << 20);
    refused.failed = true;
    const auto all = script({refused, release(0x5000), release(0), reallocation(0x7000, 0x8000, 24)});
    REQUIRE(all.steps.size() == 1);
    CHECK(all.steps[0].op == replay_op::allocate);
    CHECK(all.facts.failed_requests == 1);
    CHECK(all.facts.foreign_releases == 2);
}

TEST_CASE("replay_script: an address granted twice gives its first block back in between", "[observe][replay_script]") {
    const auto all = script({request(event_kind::malloc, 0x1000, 16), request(event_kind::malloc, 0x1000, 32)});
    REQUIRE(all.steps.size() == 3);
    CHECK(all.steps[1].op == replay_op::deallocate);
    CHECK(all.facts.live_bytes_at_end == 32);
}

TEST_CASE("replay_script: the limit of steps cuts the script and says so", "[observe][replay_script]") {
    std::vector<event> events;
    for (std::uint64_t i = 1; i <= 100; ++i) events.push_back(request(event_kind::malloc, i * 64, 16));
    const auto all = script(events, 10);
    CHECK(all.steps.size() <= 10);
    CHECK(all.facts.cut == 1);
    CHECK(script(events).facts.cut == 0);
}

TEST_CASE("replay_script: long scripts arrive whole and in order", "[observe][replay_script]") {
    std::vector<event> events;
    for (std::uint64_t i = 1; i <= 50'000; ++i) events.push_back(request(event_kind::malloc, i * 64, i));
    const auto all = script(events);
    REQUIRE(all.steps.size() == 50'000);
    for (std::uint64_t i = 0; i < 50'000; ++i) REQUIRE(all.steps[i].size == i + 1);
}
