#include "../../src/observe/address_set.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <set>

TEST_CASE("address_set: it answers as a std::set does, through growth and removal", "[observe][address_set]") {
    for (const unsigned range : {40U, 3000U, 3'000'000U}) {  // crowded and sparse, also so that entries without a bit are many (address_set.I2)
        std::mt19937_64 random(range);
        ashlar::address_set ours;
        std::set<std::uint64_t> model;
        for (int i = 0; i < 100'000; ++i) {
            const std::uint64_t address = (random() % range + 1) * (random() % 4 == 0 ? 1 : 16);
            switch (random() % 3) {
                case 0: REQUIRE(ours.insert(address) == model.insert(address).second); break;
                case 1: REQUIRE(ours.erase(address) == (model.erase(address) != 0)); break;
                default: REQUIRE(ours.contains(address) == (model.count(address) != 0));
            }
            REQUIRE(ours.size() == model.size());
        }
        for (const std::uint64_t a : model) REQUIRE(ours.contains(a));
    }
}

TEST_CASE("address_set: an empty set holds nothing and gives nothing up", "[observe][address_set]") {
    ashlar::address_set s;
    CHECK_FALSE(s.contains(16));
    CHECK_FALSE(s.contains(0));
    CHECK_FALSE(s.erase(16));
}
