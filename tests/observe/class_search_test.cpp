// The search against every choice there is, on small cases.
#include "ashlar/observe/class_search.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <random>

using ashlar::best_classes;
using ashlar::rounded_away;
using ashlar::sized_blocks;

namespace {

/// The least that any `count` classes round away; the last must hold the greatest size.
std::uint64_t least_of_all(const std::vector<sized_blocks>& sizes, std::size_t count, std::uint64_t step) {
    std::vector<std::uint64_t> ends;
    for (const auto& s : sizes) ends.push_back((s.size + step - 1) / step * step);
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    std::uint64_t least = UINT64_MAX;
    for (std::uint32_t chosen = 1; chosen < 1u << ends.size(); ++chosen) {
        std::vector<std::uint64_t> classes;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if ((chosen >> i & 1) != 0) classes.push_back(ends[i]);
        }
        if (classes.size() <= count && classes.back() == ends.back()) least = std::min(least, rounded_away(sizes, classes));
    }
    return least;
}

}  // namespace

TEST_CASE("class_search: no other so many classes round away less", "[observe][class_search]") {
    std::mt19937 draw(7);
    for (int round = 0; round < 40; ++round) {
        std::vector<sized_blocks> sizes;
        for (int i = 0; i < 9; ++i) sizes.push_back({1 + draw() % 400, draw() % 50});
        const std::size_t count = 1 + draw() % 6;
        const auto classes = best_classes(sizes, count, 16);
        REQUIRE(classes.size() <= count);
        CHECK(std::is_sorted(classes.begin(), classes.end()));
        CHECK(std::all_of(classes.begin(), classes.end(), [](std::uint64_t c) { return c % 16 == 0; }));
        CHECK(rounded_away(sizes, classes) == least_of_all(sizes, count, 16));
    }
}

TEST_CASE("class_search: as many classes as sizes round away only the step", "[observe][class_search]") {
    const std::vector<sized_blocks> sizes{{16, 5}, {40, 2}, {1000, 1}};
    CHECK(best_classes(sizes, 9, 8) == std::vector<std::uint64_t>{16, 40, 1000});
    CHECK(rounded_away(sizes, best_classes(sizes, 9, 8)) == 0);
    CHECK(best_classes({}, 3, 16).empty());
}

TEST_CASE("class_search: no other so many classes beside the usual ones leave less rounded away", "[observe][class_search]") {
    std::mt19937 draw(11);
    const std::vector<std::uint64_t> usual{64, 160, 256};
    for (int round = 0; round < 30; ++round) {
        std::vector<sized_blocks> sizes;
        for (int i = 0; i < 8; ++i) sizes.push_back({1 + draw() % 256, draw() % 50});
        const std::size_t count = draw() % 4;
        const auto together = [&](std::vector<std::uint64_t> added) {
            added.insert(added.end(), usual.begin(), usual.end());
            std::sort(added.begin(), added.end());
            return rounded_away(sizes, added);
        };
        const auto added = ashlar::classes_beside(sizes, usual, count, 16, 0);
        REQUIRE(added.size() <= count);
        CHECK(std::is_sorted(added.begin(), added.end()));
        std::uint64_t least = together({});
        for (std::uint32_t chosen = 0; chosen < 1u << 16; ++chosen) {
            if (static_cast<std::size_t>(__builtin_popcount(chosen)) != count) continue;
            std::vector<std::uint64_t> some;
            for (std::uint64_t i = 0; i < 16; ++i) {
                if ((chosen >> i & 1) != 0) some.push_back(16 * (i + 1));
            }
            least = std::min(least, together(some));
        }
        CHECK(together(added) == least);
    }
}

TEST_CASE("class_search: a class that saves too little is not added", "[observe][class_search]") {
    const std::vector<std::uint64_t> usual{160, 5120};
    const std::vector<sized_blocks> sizes{{136, 10}, {4368, 100}, {160, 1000}, {9000, 4}};
    CHECK(ashlar::classes_beside(sizes, usual, 8, 16, 1000) == std::vector<std::uint64_t>{4368});
    CHECK(ashlar::classes_beside(sizes, usual, 8, 16, 160) == std::vector<std::uint64_t>{144, 4368});
    CHECK(ashlar::classes_beside(sizes, usual, 0, 16, 0).empty());
    CHECK(ashlar::classes_beside({}, usual, 8, 16, 0).empty());
}
