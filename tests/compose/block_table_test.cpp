#include "ashlar/compose/block_table.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "ashlar/testing/script.hpp"

using namespace ashlar;

namespace {
std::byte* at(std::uintptr_t a) { return reinterpret_cast<std::byte*>(a); }
}  // namespace

TEST_CASE("block_table: finds just the starts of the blocks that it was told", "[compose][block_table]") {
    block_table t;
    CHECK(t.find(at(16)) == nullptr);
    REQUIRE(t.make_room());
    t.insert({at(16), 32, layout::of<int>()});
    REQUIRE(t.find(at(16)) != nullptr);
    CHECK(t.find(at(16))->granted == 32);
    CHECK(t.find(at(17)) == nullptr);
    CHECK(t.find(nullptr) == nullptr);
    t.remove(at(16));
    CHECK(t.find(at(16)) == nullptr);
    CHECK(t.size() == 0);
}

TEST_CASE("block_table: agrees with a map over many insertions and removals", "[compose][block_table]") {
    block_table t;
    std::map<std::uintptr_t, std::size_t> model;
    testing::dice d(7);
    for (int i = 0; i < 20000; ++i) {
        const std::uintptr_t a = 16 + d.roll() % 400 * 8;  // block_table.I1: few addresses, so many meet
        if (model.count(a) != 0) {
            t.remove(at(a));
            model.erase(a);
        } else {
            REQUIRE(t.make_room());
            t.insert({at(a), a * 3, layout::of<char>()});
            model.emplace(a, a * 3);
        }
        if (i % 97 != 0) continue;
        REQUIRE(t.size() == model.size());
        for (std::uintptr_t b = 16; b < 16 + 400 * 8; b += 8) {
            const auto* e = t.find(at(b));
            REQUIRE((e != nullptr) == (model.count(b) != 0));
            if (e != nullptr) REQUIRE(e->granted == model.at(b));
        }
    }
    std::size_t visited = 0;
    t.for_each([&](const block_table::entry& e) { visited += model.count(reinterpret_cast<std::uintptr_t>(e.data)); });
    CHECK(visited == model.size());
    t.clear();
    CHECK(t.size() == 0);
    CHECK(t.find(at(16)) == nullptr);
}
