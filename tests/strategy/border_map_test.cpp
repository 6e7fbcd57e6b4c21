#include "ashlar/strategy/border_map.hpp"

#include <array>
#include <catch2/catch.hpp>

using ashlar::border_map;

TEST_CASE("border_map: each column has two bits of its own", "[strategy][border_map]") {
    std::array<border_map::group, border_map::groups_for(200)> groups{};
    border_map map(groups.data());
    for (std::size_t at = 0; at < 200; at += 3) map.set_start(at);
    for (std::size_t at = 0; at < 200; at += 5) map.set_free(at);
    for (std::size_t at = 0; at < 200; ++at) {
        REQUIRE(map.is_start(at) == (at % 3 == 0));
        REQUIRE(map.is_free(at) == (at % 5 == 0));
    }
    map.end_free(30);
    CHECK_FALSE(map.is_start(30));
    CHECK_FALSE(map.is_free(30));
    map.begin_free(31);
    CHECK((map.is_start(31) && map.is_free(31)));
    map.clear_free(31);
    map.clear_start(33);
    CHECK((map.is_start(31) && !map.is_free(31) && !map.is_start(33)));
}

TEST_CASE("border_map: the next start is found across any number of groups", "[strategy][border_map]") {
    std::array<border_map::group, border_map::groups_for(1000)> groups{};
    border_map map(groups.data());
    for (const std::size_t last : {0u, 1u, 63u, 64u, 65u, 127u, 500u, 999u}) {
        map.set_start(last);
        for (std::size_t from = last > 200 ? last - 200 : 0; from <= last; ++from) REQUIRE(map.next_start(from) == last);
        map.clear_start(last);
    }
}

TEST_CASE("border_map: a start in front of where the search begins is passed over, wherever the group's border is", "[strategy][border_map]") {
    std::array<border_map::group, border_map::groups_for(1000)> groups{};
    border_map map(groups.data());
    for (std::size_t at = 0; at < 900; ++at) {
        map.set_start(at);
        map.set_start(at + 70);
        REQUIRE(map.next_start(at) == at);
        REQUIRE(map.next_start(at + 1) == at + 70);
        map.clear_start(at);
        map.clear_start(at + 70);
    }
}
