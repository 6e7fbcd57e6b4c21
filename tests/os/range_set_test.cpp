#include "ashlar/os/range_set.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <array>
#include <bitset>
#include <vector>

using ashlar::os::range_set;

namespace {
std::array<std::byte, 64> room;
}

TEST_CASE("range_set: ranges that touch become one", "[os][range_set]") {
    range_set set;
    set.insert(room.data(), 8);
    set.insert(room.data() + 16, 8);
    CHECK(set.count() == 2);
    set.insert(room.data() + 8, 8);
    CHECK(set.count() == 1);
    CHECK(set.bytes() == 24);
    CHECK(set.contains(room.data(), 24));
    CHECK_FALSE(set.contains(room.data(), 25));
}

TEST_CASE("range_set: erasing the middle leaves both ends", "[os][range_set]") {
    range_set set;
    set.insert(room.data(), 30);
    set.erase(room.data() + 10, 10);
    CHECK(set.count() == 2);
    CHECK(set.contains(room.data(), 10));
    CHECK(set.contains(room.data() + 20, 10));
    CHECK_FALSE(set.contains(room.data() + 9, 2));
}

TEST_CASE("range_set: agrees with one flag a byte on any sequence", "[os][range_set]") {
    CHECK(rc::check([](const std::vector<std::tuple<bool, std::uint8_t, std::uint8_t>>& steps) {
        range_set set;
        std::bitset<64> flags;
        for (const auto& [adds, at, length] : steps) {
            const std::size_t first = at % 64u, size = 1 + length % (64u - first);
            for (std::size_t i = first; i < first + size; ++i) flags[i] = adds;
            if (adds) {
                set.insert(room.data() + first, size);
            } else {
                set.erase(room.data() + first, size);
            }
            std::size_t runs = 0;
            for (std::size_t i = 0; i < 64; ++i) {
                RC_ASSERT(set.contains(room.data() + i, 1) == flags[i]);
                runs += flags[i] && (i == 0 || !flags[i - 1]);
            }
            RC_ASSERT(set.bytes() == flags.count());
            RC_ASSERT(set.count() == runs);
        }
    }));
}
