#include "ashlar/compose/std_allocator.hpp"

#include <catch2/catch.hpp>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "ashlar/testing/ground.hpp"
#include "support/barest_allocators.hpp"

using namespace ashlar;
using ground_upstream = testing::ground::upstream_type;

namespace {
using tests::plain;  // stateless: refuses everything
}  // namespace

TEST_CASE("std_allocator: standard containers live on any allocator and give everything back", "[compose][std_allocator]") {
    testing::ground g;
    {
        std::vector<int, std_allocator<int, ground_upstream>> numbers(g.upstream());
        std::list<std::string, std_allocator<std::string, ground_upstream>> words(g.upstream());
        using entry = std::pair<const int, int>;
        std::map<int, int, std::less<int>, std_allocator<entry, ground_upstream>> table(g.upstream());
        for (int i = 0; i < 40; ++i) {
            numbers.push_back(i);
            words.push_back("a word of some length " + std::to_string(i));
            table.emplace(i, i * i);
        }
        auto copy = numbers;
        auto moved = std::move(numbers);
        CHECK(copy == moved);
        CHECK(words.back() == "a word of some length 39");
        CHECK(table.at(7) == 49);
        CHECK_FALSE(g.managed().empty());
    }
    CHECK(g.managed().empty());
    CHECK_FALSE(g.damage().has_value());
}

TEST_CASE("std_allocator: a refusal is thrown, and the container is as it was", "[compose][std_allocator]") {
    testing::ground g;
    std::vector<int, std_allocator<int, ground_upstream>> numbers(g.upstream());
    numbers.assign({1, 2, 3});
    g.refuse(1, failure::from_then_on);
    CHECK_THROWS_AS(numbers.resize(1000), std::bad_alloc);
    REQUIRE(numbers.size() == 3);
    CHECK((numbers[0] == 1 && numbers[1] == 2 && numbers[2] == 3));
}

TEST_CASE("std_allocator: a refusal at any request leaves nothing behind", "[compose][std_allocator]") {
    for (const failure how : {failure::once, failure::from_then_on}) {
        for (std::size_t n = 1;; ++n) {
            testing::ground g;
            g.refuse(n, how);
            bool thrown = false;
            try {
                std::map<int, int, std::less<int>, std_allocator<std::pair<const int, int>, ground_upstream>> table(g.upstream());
                std::vector<long, std_allocator<long, ground_upstream>> numbers(g.upstream());
                for (int i = 0; i < 10; ++i) {
                    table.emplace(i, i);
                    numbers.push_back(i);
                }
            } catch (const std::bad_alloc&) {
                thrown = true;
            }
            REQUIRE(thrown == (g.refusals() != 0));
            REQUIRE(g.managed().empty());
            if (!thrown) break;
        }
    }
}

TEST_CASE("std_allocator: no objects are asked for as one, and absurd numbers are refused", "[compose][std_allocator]") {
    testing::ground g;
    std_allocator<long, ground_upstream> a(g.upstream());
    long* const p = a.allocate(0);
    REQUIRE(p != nullptr);
    CHECK(g.managed().bytes() == sizeof(long));  // std_allocator.I2
    a.deallocate(p, 0);
    CHECK(g.managed().empty());
    CHECK_THROWS_AS(static_cast<void>(a.allocate(SIZE_MAX)), std::bad_array_new_length);
    CHECK_THROWS_AS(static_cast<void>(a.allocate(layout::max_size / sizeof(long) + 1)), std::bad_array_new_length);
    CHECK_THROWS_AS(static_cast<void>(a.allocate(layout::max_size / sizeof(long))), std::bad_alloc);
    std_allocator<int, plain> none;
    CHECK_THROWS_AS(static_cast<void>(none.allocate(1)), std::bad_alloc);
}

TEST_CASE("std_allocator: is equal to those that can give its blocks back", "[compose][std_allocator]") {
    testing::ground one, two;
    const std_allocator<int, ground_upstream> a(one.upstream()), b(two.upstream());
    CHECK(a == std_allocator<char, ground_upstream>(a));
    CHECK_FALSE(a == b);
    STATIC_REQUIRE(std::is_empty_v<std_allocator<int, plain>>);
    STATIC_REQUIRE(std::allocator_traits<std_allocator<int, plain>>::is_always_equal::value);
    CHECK(std_allocator<int, plain>() == std_allocator<char, plain>());
}
