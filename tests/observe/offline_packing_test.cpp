// Bounds of small scripts, worked out by hand; and that no packing of a long one is below what is live.
#include "ashlar/observe/offline_packing.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace {

using ashlar::replay_op;
using ashlar::replay_step;

replay_step grant(std::uint32_t slot, std::uint64_t size, std::uint8_t shift = 4) { return {size, slot, 0, shift, replay_op::allocate}; }
replay_step moved(std::uint32_t slot, std::uint64_t size) { return {size, slot, 0, 4, replay_op::reallocate}; }
replay_step end(std::uint32_t slot, std::uint64_t size) { return {size, slot, 0, 4, replay_op::deallocate}; }

ashlar::packing_bounds packed(const std::vector<replay_step>& steps, std::uint64_t slots) { return ashlar::pack_offline(steps, slots); }

/// `count` blocks more than are packed by size come and go, so that only time orders those that follow.
std::vector<replay_step> many(std::size_t count) {
    std::vector<replay_step> steps;
    for (std::size_t i = 0; i < count; ++i) steps.push_back(grant(0, 16)), steps.push_back(end(0, 16));
    return steps;
}

}  // namespace

TEST_CASE("offline_packing: of nothing both bounds are nothing", "[observe][offline_packing]") {
    CHECK(packed({}, 0).least == 0);
    CHECK(packed({}, 0).reached == 0);
}

TEST_CASE("offline_packing: who knows the future leaves no hole where first fit does", "[observe][offline_packing]") {
    // In time: A [0,16) B [16,32), A ends, C has no room before B: [32,64). Known beforehand: C [0,32) over A, B [32,48).
    const auto bounds = packed({grant(0, 16), grant(1, 16), end(0, 16), grant(2, 32)}, 3);
    CHECK(bounds.least == 48);
    CHECK(bounds.reached == 48);
    CHECK(bounds.by_size);
}

TEST_CASE("offline_packing: too many blocks to know are placed in order of time, where they fit lowest", "[observe][offline_packing]") {
    auto steps = many(ashlar::by_size_limit + 1);
    for (const auto& step : {grant(0, 16), grant(1, 16), end(0, 16), grant(2, 32)}) steps.push_back(step);
    const auto bounds = packed(steps, 3);
    CHECK(bounds.least == 48);
    CHECK(bounds.reached == 64);
    CHECK(!bounds.by_size);
}

TEST_CASE("offline_packing: holes on both sides of a block that ends become one", "[observe][offline_packing]") {
    auto steps = many(ashlar::by_size_limit + 1);
    for (std::uint32_t s = 0; s < 4; ++s) steps.push_back(grant(s, 16));
    for (const std::uint32_t s : {0u, 2u, 1u}) steps.push_back(end(s, 16));
    steps.push_back(grant(0, 48));
    CHECK(packed(steps, 4).reached == 64);
}

TEST_CASE("offline_packing: sizes count in eights and an alignment pads", "[observe][offline_packing]") {
    CHECK(packed({grant(0, 1, 3), grant(1, 13, 3)}, 2).reached == 24);
    const auto bounds = packed({grant(0, 16), grant(1, 64, 6)}, 2);
    CHECK(bounds.least == 80);
    CHECK(bounds.reached == 80);  // by size: 64 first, then 16 behind it
}

TEST_CASE("offline_packing: a reallocation is an end and a begin", "[observe][offline_packing]") {
    const auto bounds = packed({grant(0, 16), moved(0, 160), end(0, 160)}, 1);
    CHECK(bounds.least == 160);
    CHECK(bounds.reached == 160);
}

TEST_CASE("offline_packing: the bounds of a long random script are in order and near", "[observe][offline_packing]") {
    std::vector<replay_step> steps;
    std::vector<std::uint64_t> sizes(500);
    std::uint64_t state = 1, live = 0, most = 0;
    for (int i = 0; i < 30000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const auto slot = static_cast<std::uint32_t>(state >> 33) % 500;
        if (sizes[slot] != 0) {
            steps.push_back(end(slot, sizes[slot]));
            live -= sizes[slot];
            sizes[slot] = 0;
        } else {
            sizes[slot] = 16 * (1 + (state >> 40) % 64);
            steps.push_back(grant(slot, sizes[slot], static_cast<std::uint8_t>(4 + (state >> 50) % 4)));
            live += sizes[slot];
            most = std::max(most, live);
        }
    }
    const auto bounds = packed(steps, 500);
    CHECK(bounds.least == most);
    CHECK(bounds.reached >= most);
    CHECK(bounds.reached < 2 * most);
}
