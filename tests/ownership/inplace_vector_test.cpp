#include "ashlar/ownership/inplace_vector.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <unordered_set>

#include "ledger.hpp"
#include "support/broken_contract.hpp"

using namespace ashlar;
using owners::fragile;

namespace {
struct pair_of {
    int a = 1, b = 2;  // copies bytewise, but is not plain
};
template <class Order>
inplace_vector<fragile, 8> three(Order) {
    inplace_vector<fragile, 8> v;
    for (int i = 0; i < 3; ++i) v.unchecked_emplace_back(i);
    return v;
}
}  // namespace

TEST_CASE("inplace_vector: copies bytewise exactly when its elements do", "[ownership][inplace_vector]") {
    STATIC_REQUIRE(sizeof(inplace_vector<int, 3>) == 16);
    STATIC_REQUIRE(std::is_trivially_copyable_v<inplace_vector<int, 3>>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<inplace_vector<pair_of, 3>>);
    STATIC_REQUIRE_FALSE(std::is_trivially_copyable_v<inplace_vector<std::string, 3>>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<inplace_vector<std::string, 3>>);
}

TEST_CASE("inplace_vector: of plain elements works in constant expressions", "[ownership][inplace_vector]") {
    constexpr auto squares = [] {
        inplace_vector<int, 8> v;
        for (int i = 0; i < 5; ++i) v.unchecked_push_back(i * i);
        v.erase(1);
        static_cast<void>(v.try_emplace(0, 7).has_value());
        return v;
    }();
    STATIC_REQUIRE(squares == inplace_vector<int, 8>{7, 0, 4, 9, 16});
    STATIC_REQUIRE(squares > inplace_vector<int, 8>{7, 0, 4, 9});
    STATIC_REQUIRE(squares.back() == 16);
}

TEST_CASE("inplace_vector: what does not fit is refused and changes nothing", "[ownership][inplace_vector]") {
    inplace_vector<std::string, 3> v{"a", "b"};
    const std::string more[] = {"x", "y"};
    CHECK_FALSE(v.try_append(more, 2));
    CHECK_FALSE(v.try_resize(4));
    CHECK(v == inplace_vector<std::string, 3>{"a", "b"});
    CHECK(*v.try_push_back("c") == "c");
    CHECK_FALSE(v.try_push_back("d"));
    CHECK_FALSE(v.try_emplace(0, "d"));
    CHECK(v.size() == 3);
    CHECK(v.room() == 0);
    CHECK_FALSE(support::broken_contract([&] { v.unchecked_push_back({}); }).empty());
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(v[3]); }).empty());
}

TEST_CASE("inplace_vector: elements are put in and taken out anywhere", "[ownership][inplace_vector]") {
    inplace_vector<std::string, 6> v{"a", "b", "c"};
    CHECK(*v.try_emplace(1, "long enough to be on the heap") == "long enough to be on the heap");
    CHECK(*v.try_emplace(4, "end") == "end");
    v.erase(1, 2);
    CHECK(v == inplace_vector<std::string, 6>{"a", "c", "end"});
    CHECK(v.try_resize(5).has_value());
    CHECK(v.back().empty());
    CHECK(v.try_append(v.data(), 1).has_value());
    CHECK(v.back() == "a");
    v.truncate(1);
    CHECK(v.size() == 1);
    v.pop_back();
    CHECK(v.empty());
    CHECK_FALSE(support::broken_contract([&] { v.pop_back(); }).empty());
}

TEST_CASE("inplace_vector: every element is destroyed once, whatever is copied and moved", "[ownership][inplace_vector]") {
    fragile::start();
    {
        auto v = three(0);
        auto copy = v;
        const auto moved = std::move(copy);
        copy = moved;
        auto& same = copy;
        copy = same;
        CHECK(copy.size() == 3);
        copy = three(1);
        CHECK(fragile::alive == 9);
        CHECK(moved[2].value == 2);
    }
    CHECK(fragile::alive == 0);
}

TEST_CASE("inplace_vector: whichever constructor throws, no element is lost", "[ownership][inplace_vector]") {
    for (int at = 1; at <= 3; ++at) {
        fragile::start();
        {
            auto v = three(0);
            fragile::start(at);
            CHECK_THROWS([&] { const auto copy = v; }());
            CHECK(fragile::alive == 0);  // counted from here: what was copied is gone again
            fragile::start(at);
            CHECK_THROWS(v.try_append(v.data(), 3).has_value());
            CHECK(v.size() == 3);
            fragile::start(at);
            CHECK_THROWS(v.try_resize(6).has_value());
            CHECK(v.size() == 3);
            fragile::start();
            fragile::alive = 3;
        }
        CHECK(fragile::alive == 0);
    }
    fragile::start();
    CHECK_THROWS([&] {
        fragile::start(1);
        inplace_vector<fragile, 2>().unchecked_emplace_back(1);
    }());
    CHECK(fragile::alive == 0);
    fragile::start();
}

TEST_CASE("inplace_vector: holds what only moves, and hashes what hashes", "[ownership][inplace_vector]") {
    struct mover {
        explicit mover(int* p) : held(p) {}
        mover(mover&& other) noexcept : held(std::exchange(other.held, nullptr)) {}
        mover& operator=(mover&&) = default;
        int* held;
    };
    int target = 0;
    inplace_vector<mover, 2> v;
    v.unchecked_emplace_back(&target);
    const inplace_vector<mover, 2> moved = std::move(v);
    CHECK(moved[0].held == &target);
    CHECK(v[0].held == nullptr);
    const std::unordered_set<inplace_vector<int, 4>> set{{1, 2}, {2, 1}, {1, 2}};
    CHECK(set.size() == 2);
}
