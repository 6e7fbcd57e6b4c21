#include "ashlar/gc/tile.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/gc/type.hpp"

using namespace ashlar::gc::detail;

TEST_CASE("tile: runs of bits are set, cleared and found wherever they lie", "[gc][tile]") {
    std::vector<std::uint64_t> map(words);
    for (const std::size_t at : {0u, 1u, 63u, 64u, 100u, 65000u}) {
        for (const std::size_t n : {1u, 2u, 63u, 64u, 65u, 128u, 300u}) {
            set_run(map.data(), at, n);
            CHECK(find(map.data(), 0) == at);
            CHECK(find<true>(map.data(), at) == at + n);
            CHECK(find(map.data(), at + n) == indices);
            clear_run(map.data(), at, n);
            CHECK(find(map.data(), 0) == indices);
        }
    }
    set_run(map.data(), indices - 1, 1);
    CHECK(find(map.data(), 0) == indices - 1);
    CHECK(find<true>(map.data(), indices - 1) == indices);
}

TEST_CASE("tile: a header keeps type and length, whether it waits or not", "[gc][tile]") {
    const auto* type = reinterpret_cast<const ashlar::gc::descriptor*>(std::uintptr_t{0x7fff'1234'5678});
    header h(type, granules_for(largest_small));
    h.wait();
    CHECK(h.waiting());
    CHECK(h.type() == type);
    CHECK(h.granules() == 2049);
    CHECK_FALSE(header(type, 1).waiting());
}

TEST_CASE("tile: the maps are less than seven hundredths of it", "[gc][tile]") {
    CHECK(sizeof(tile) * 100 < tile_size * 7);
    CHECK(granules_for(24) == 2);
    CHECK(granules_for(25) == 3);
}
