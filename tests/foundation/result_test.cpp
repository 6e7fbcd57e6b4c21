#include "ashlar/foundation/result.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "ashlar/foundation/layout.hpp"
#include "support/broken_contract.hpp"

using ashlar::alloc_error;
using ashlar::block;
using ashlar::layout;
using ashlar::result;

namespace {
std::byte room[64];
result<block> granted(std::size_t size) { return block{room, size}; }
result<block> refused() { return alloc_error{}; }
}  // namespace

TEST_CASE("result: takes no space beyond its value, and none of its registers", "[foundation][result]") {
    STATIC_REQUIRE(sizeof(result<block>) == sizeof(block));
    STATIC_REQUIRE(sizeof(result<int*>) == sizeof(int*));
    STATIC_REQUIRE(sizeof(result<layout>) == sizeof(layout));
    STATIC_REQUIRE(std::is_trivially_copyable_v<result<layout>>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<result<block>>);
}

TEST_CASE("result: a grant has its value and a refusal its error", "[foundation][result]") {
    CHECK(granted(8).has_value());
    CHECK(granted(8)->size == 8);
    CHECK((*granted(8)).data == room);
    CHECK_FALSE(refused());
    CHECK(std::string(refused().error().message()) == "Memory allocation failed");
    CHECK(refused().value_or(block{room, 1}) == block{room, 1});
    CHECK(granted(3).value_or(block{room, 1}) == block{room, 3});
}

TEST_CASE("result: an empty block is a grant, a null one is the refusal", "[foundation][result]") {
    CHECK(granted(0).has_value());
    CHECK_FALSE(support::broken_contract([] { result<block> bad(block{nullptr, 8}); static_cast<void>(bad); }).empty());
}

TEST_CASE("result: steps that follow a refusal are not taken", "[foundation][result]") {
    int steps = 0;
    const auto next = [&](const block& b) {
        ++steps;
        return result<block>(block{b.data, b.size + 1});
    };
    CHECK(granted(1).and_then(next).and_then(next)->size == 3);
    CHECK(steps == 2);
    CHECK_FALSE(refused().and_then(next));
    CHECK(steps == 2);
    CHECK(refused().or_else([] { return granted(9); })->size == 9);
    CHECK(granted(2).or_else([] { return granted(9); })->size == 2);
    CHECK(*granted(5).transform([](const block& b) { return b.data; }) == room);
    CHECK_FALSE(refused().transform([](const block& b) { return b.data; }));
}

TEST_CASE("result: two are equal when both refuse or both hold equal values", "[foundation][result]") {
    CHECK(refused() == refused());
    CHECK_FALSE(refused() == granted(1));
    CHECK(granted(1) == granted(1));
    CHECK_FALSE(granted(1) == granted(2));
}

TEST_CASE("result: reading the value of a refusal, or the error of a grant, breaks the contract",
          "[foundation][result]") {
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(*refused()); }).empty());
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(refused().value()); }).empty());
    CHECK_FALSE(support::broken_contract([] { static_cast<void>(granted(1).error()); }).empty());
}

TEST_CASE("result: of a reference is a pointer that cannot be forgotten to be looked at", "[foundation][result]") {
    int target = 1;
    const result<int&> found(target);
    *found = 2;
    CHECK(target == 2);
    CHECK(&found.value() == &target);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(found.error()); }).empty());
    const result<int&> none = alloc_error{};
    CHECK_FALSE(none);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(*none); }).empty());
    STATIC_REQUIRE(sizeof(result<int&>) == sizeof(int*));
}

namespace {
struct owner {
    explicit owner(int* p) : held(p) {}
    owner(owner&& other) noexcept : held(other.held) { other.held = nullptr; }
    int* held;
};
}  // namespace
template <>
struct ashlar::niche<owner> {
    static owner refused() { return owner(nullptr); }
    static bool is_refused(const owner& o) { return o.held == nullptr; }
};

TEST_CASE("result: a value that only moves is taken out of it", "[foundation][result]") {
    int target = 1;
    result<owner> full = owner(&target);
    CHECK(full->held == &target);
    const owner taken = *std::move(full);
    CHECK(taken.held == &target);
    CHECK_FALSE(full);
    CHECK_FALSE(result<owner>(alloc_error{}));
}

TEST_CASE("result: works in constant expressions", "[foundation][result]") {
    STATIC_REQUIRE(layout::make(10, 8).has_value());
    STATIC_REQUIRE_FALSE(layout::make(10, 3).has_value());
    STATIC_REQUIRE(layout::make(10, 8).transform([](layout l) { return l.padded(); })->size() == 16);
}

TEST_CASE("result: of a reference a refusal has its error", "[foundation][result]") {
    const result<int&> none = alloc_error{};
    CHECK_FALSE(none);
    static_cast<void>(none.error());
    int target = 3;
    CHECK(result<int&>(target).value() == 3);
}
