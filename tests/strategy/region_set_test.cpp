#include "ashlar/strategy/region_set.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/strategy/bump.hpp"

using namespace ashlar;

TEST_CASE("region_set: an address is found in the region that holds it, in a gap or after the erasure in none",
          "[strategy][region_set]") {
    std::vector<std::byte> bytes(2 << 20);
    bump upstream(block{bytes.data(), bytes.size()});
    region_set regions;
    std::vector<free_list_region*> all;
    for (const std::size_t size : {4096u, 100'000u, 300'000u, 4096u, 700'000u}) {
        all.push_back(free_list_region::obtain(upstream, {16, 16, 16}, size));
        REQUIRE(all.back() != nullptr);
        regions.insert(*all.back());
    }
    CHECK(regions.consistent());
    const auto look = [&](const free_list_region* gone) {
        for (auto* r : all) {
            for (std::size_t at = 0; at < r->span; at += 997) REQUIRE(regions.find(r->first + at) == (r == gone ? nullptr : r));
            REQUIRE(regions.find(r->begin()) == nullptr);  // the header holds no block
        }
    };
    look(nullptr);
    CHECK(regions.find(nullptr) == nullptr);
    for (auto* r : all) {
        regions.erase(*r);
        look(r);
        regions.insert(*r);
    }
    CHECK(regions.bytes() == 1'108'192);
}
