#include "ashlar/observe/address_map.hpp"

#include <cstdint>
#include <map>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

using ashlar::address_map;

TEST_CASE("address_map: what was not inserted is not found", "[observe][address_map]") {
    address_map<int> live;
    CHECK_FALSE(live.take(16));
    CHECK_FALSE(live.take(0));
    live.insert(16, 1);
    CHECK_FALSE(live.take(32));
    CHECK(live.take(16) == 1);
    CHECK_FALSE(live.take(16));
    CHECK(live.size() == 0);
}

// The oracle is std::map. Addresses come from a small range, so that runs form, wrap around and break.
TEST_CASE("address_map: agrees with std::map on any sequence", "[observe][address_map]") {
    const bool agrees = rc::check([] {
        address_map<std::uint64_t> live;
        std::map<std::uint64_t, std::uint64_t> oracle;
        const auto steps =
            *rc::gen::container<std::vector<std::uint16_t>>(rc::gen::arbitrary<std::uint16_t>());
        std::uint64_t value = 0;
        for (const std::uint16_t step : steps) {
            const std::uint64_t address = 16 * (1 + step % 300u);
            if (const auto found = oracle.find(address); found != oracle.end()) {
                RC_ASSERT(live.take(address) == found->second);
                oracle.erase(found);
            } else {
                live.insert(address, ++value);
                oracle.emplace(address, value);
            }
            RC_ASSERT(live.size() == oracle.size());
        }
        std::map<std::uint64_t, std::uint64_t> left;
        live.for_each([&](std::uint64_t address, std::uint64_t v) { left.emplace(address, v); });
        RC_ASSERT(left == oracle);
    });
    CHECK(agrees);
}

TEST_CASE("address_map: a hundred thousand blocks come and go", "[observe][address_map]") {
    address_map<std::uint64_t> live;
    constexpr std::uint64_t blocks = 100'000;
    for (std::uint64_t i = 1; i <= blocks; ++i) live.insert(0x7f0000000000 + 48 * i, i);
    for (std::uint64_t i = 1; i <= blocks; i += 2) REQUIRE(live.take(0x7f0000000000 + 48 * i) == i);
    CHECK(live.size() == blocks / 2);
    for (std::uint64_t i = 2; i <= blocks; i += 2) REQUIRE(live.take(0x7f0000000000 + 48 * i) == i);
    CHECK(live.size() == 0);
}
