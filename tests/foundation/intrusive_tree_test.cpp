#include "ashlar/foundation/intrusive_tree.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <set>
#include <utility>
#include <vector>

namespace {

struct item : ashlar::tree_links {
    int key = 0;
    int weight = 0;
    int heaviest = 0;  // of the subtree
};
struct by_key {
    static bool before(const item& a, const item& b) { return a.key < b.key; }
};
struct keep_heaviest {
    static bool summarize(item& x, const item* left, const item* right) {
        const int before = std::exchange(x.heaviest, x.weight);
        if (left != nullptr) x.heaviest = std::max(x.heaviest, left->heaviest);
        if (right != nullptr) x.heaviest = std::max(x.heaviest, right->heaviest);
        return x.heaviest != before;
    }
};
using tree = ashlar::intrusive_tree<item, by_key, keep_heaviest>;

int depth(const item* x) {
    return x == nullptr ? 0 : 1 + std::max(depth(tree::left_of(*x)), depth(tree::right_of(*x)));
}

/// intrusive_tree.I3, from scratch.
int heaviest(const item* x, bool& good) {
    if (x == nullptr) return 0;
    const int all = std::max({x->weight, heaviest(tree::left_of(*x), good), heaviest(tree::right_of(*x), good)});
    good = good && x->heaviest == all;
    return all;
}

std::vector<int> keys(const tree& all) {
    std::vector<int> seen;
    all.for_each([&](item& x) { seen.push_back(x.key); });
    return seen;
}

}  // namespace

TEST_CASE("intrusive_tree: an element costs two words", "[foundation][intrusive_tree]") {
    STATIC_REQUIRE(sizeof(ashlar::tree_links) == 2 * sizeof(void*));
}

TEST_CASE("intrusive_tree: agrees with a set on any sequence, and keeps its invariants",
          "[foundation][intrusive_tree]") {
    CHECK(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& steps) {
        std::vector<item> items(64);
        for (std::size_t i = 0; i < 64; ++i) items[i].key = static_cast<int>(2 * i);
        std::set<int> expected;
        tree all;
        for (const auto& [which, weight] : steps) {
            item& x = items[which % 64u];
            if (expected.erase(x.key) != 0) {
                all.erase(x);
            } else {
                x.weight = weight;
                all.insert(x);
                expected.insert(x.key);
            }
            bool good = true;
            heaviest(all.root(), good);
            RC_ASSERT(good);
            RC_ASSERT(all.consistent());
            RC_ASSERT(keys(all) == std::vector<int>(expected.begin(), expected.end()));
            for (const int sought : {-1, x.key, x.key + 1, 200}) {
                const auto want = expected.lower_bound(sought);
                const item* got = all.lower_bound([&](const item& y) { return y.key < sought; });
                RC_ASSERT((got == nullptr) == (want == expected.end()));
                if (got != nullptr) {
                    RC_ASSERT(got->key == *want);
                    const item* next = all.next(*got);
                    RC_ASSERT((next == nullptr) == (std::next(want) == expected.end()));
                    RC_ASSERT((next == nullptr || next->key == *std::next(want)));
                }
            }
        }
    }));
}

TEST_CASE("intrusive_tree: stays within 1.44 log2 n, also for ordered insertions and erasures",
          "[foundation][intrusive_tree]") {
    std::vector<item> items(100'000);
    tree all;
    for (std::size_t i = 0; i < items.size(); ++i) {
        items[i].key = static_cast<int>(i);
        all.insert(items[i]);
    }
    CHECK(depth(all.root()) <= 1.44 * std::log2(items.size() + 2));
    CHECK(all.consistent());
    for (std::size_t i = 0; i < items.size() - 100; ++i) all.erase(items[i]);
    CHECK(depth(all.root()) <= 1.44 * std::log2(102));
    CHECK(all.consistent());
    CHECK(all.first() == &items[items.size() - 100]);
    all.clear();
    CHECK(all.empty());
    CHECK(all.first() == nullptr);
}

TEST_CASE("intrusive_tree: every shape of up to seven elements survives every erasure",
          "[foundation][intrusive_tree]") {
    std::vector<int> order{0, 1, 2, 3, 4, 5, 6};
    do {
        for (int victim : order) {
            item items[7];
            tree all;
            for (int i : order) items[i].key = i, all.insert(items[i]);
            all.erase(items[victim]);
            REQUIRE(all.consistent());
            REQUIRE(keys(all).size() == 6);
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("intrusive_tree: an element is replaced by another in the same place, also in the same memory",
          "[foundation][intrusive_tree]") {
    std::vector<item> items(200);
    tree all;
    for (std::size_t i = 0; i < 100; ++i) {
        items[i].key = static_cast<int>(10 * ((i * 37) % 100));
        items[i].weight = items[i].key % 70;
        all.insert(items[i]);
    }
    for (std::size_t i = 0; i < 100; ++i) {
        const int key = items[i].key + static_cast<int>(i % 3), weight = static_cast<int>(i * 31 % 90);
        item* const place = i % 2 == 0 ? &items[i] : &items[100 + i];
        all.replace(items[i], [=]() -> item& {
            item* const made = ::new (place) item;
            made->key = key;
            made->weight = weight;
            return *made;
        });
        bool good = true;
        heaviest(all.root(), good);
        REQUIRE(good);
        REQUIRE(all.consistent());
    }
    CHECK(keys(all).size() == 100);
}
