#include "ashlar/foundation/intrusive_list.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <vector>

#include "support/broken_contract.hpp"

namespace {

struct item : ashlar::list_links {
    int value = 0;
};
using list = ashlar::intrusive_list<item>;

std::vector<int> values(const list& all) {
    std::vector<int> seen;
    all.for_each([&](item& x) { seen.push_back(x.value); });
    return seen;
}

}  // namespace

TEST_CASE("intrusive_list: elements stand in the order they were put", "[foundation][intrusive_list]") {
    list all;
    item a, b, c;
    a.value = 1, b.value = 2, c.value = 3;
    CHECK(all.empty());
    all.push_back(b);
    all.push_front(a);
    all.push_back(c);
    CHECK(values(all) == std::vector{1, 2, 3});
    CHECK(&all.front() == &a);
    CHECK(&all.back() == &c);
    CHECK(all.size() == 3);
    all.remove(b);
    CHECK_FALSE(b.is_linked());
    CHECK(values(all) == std::vector{1, 3});
    CHECK(&all.pop_front() == &a);
    CHECK(&all.pop_front() == &c);
    CHECK(all.empty());
}

TEST_CASE("intrusive_list: an element whose bytes were moved is followed to its new place", "[foundation][intrusive_list]") {
    list all;
    std::array<item, 4> items;
    for (int i = 0; i < 3; ++i) items[static_cast<std::size_t>(i)].value = i, all.push_back(items[static_cast<std::size_t>(i)]);
    items[3] = items[1];
    items[1] = item{};
    all.follow(items[3]);
    CHECK(values(all) == std::vector{0, 1, 2});
    CHECK(all.consistent());
    all.remove(items[3]);
    CHECK(values(all) == std::vector{0, 2});
}

TEST_CASE("intrusive_list: an element may be removed while it is visited", "[foundation][intrusive_list]") {
    list all;
    std::array<item, 10> items;
    for (auto& x : items) all.push_back(x), x.value = static_cast<int>(&x - items.data());
    all.for_each([&](item& x) { if (x.value % 2 == 0) all.remove(x); });
    CHECK(values(all) == std::vector{1, 3, 5, 7, 9});
    CHECK(all.consistent());
}

TEST_CASE("intrusive_list: removing what is in no list, or putting what is in one, breaks the contract",
          "[foundation][intrusive_list]") {
    list all;
    item a;
    CHECK_FALSE(support::broken_contract([&] { all.remove(a); }).empty());
    all.push_back(a);
    CHECK_FALSE(support::broken_contract([&] { all.push_front(a); }).empty());
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(list().front()); }).empty());
}

TEST_CASE("intrusive_list: agrees with a vector on any sequence", "[foundation][intrusive_list]") {
    CHECK(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& steps) {
        std::array<item, 16> items;
        for (auto& x : items) x.value = static_cast<int>(&x - items.data());
        list all;
        std::vector<int> expected;
        for (const auto& [what, which] : steps) {
            item& x = items[which % 16u];
            if (x.is_linked()) {
                all.remove(x);
                std::erase(expected, x.value);
            } else if (what % 2 == 0) {
                all.push_back(x);
                expected.push_back(x.value);
            } else {
                all.push_front(x);
                expected.insert(expected.begin(), x.value);
            }
            RC_ASSERT(values(all) == expected);
            RC_ASSERT(all.consistent());
        }
    }));
}
