#include "ashlar/compose/choice.hpp"

#include <catch2/catch.hpp>

#include "support/broken_contract.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
struct in_turn {  // changes its mind at every request
    std::size_t asked = 0;
    std::size_t operator()(layout) noexcept { return asked++ % 2; }
};
struct by_size {
    std::size_t operator()(layout l) const noexcept { return l.size() <= 64 ? 0 : 1; }
};
struct out_of_range {
    std::size_t operator()(layout) const noexcept { return 7; }
};
const layout l = *layout::make(32, 8);
}  // namespace

TEST_CASE("choice: a block finds its granter however the decision has changed", "[compose][choice]") {
    testing::ground g;
    specimen a(g.upstream()), b(g.upstream());
    choice<in_turn, specimen, specimen> c({}, a, b);
    const auto first = c.allocate(l), second = c.allocate(l), third = c.allocate_zeroed(l);
    REQUIRE((first && second && third));
    CHECK((a.owns(first->data) && b.owns(second->data) && a.owns(third->data)));  // choice.I1
    CHECK(c.decision().asked == 3);
    CHECK(c.grow_in_place(second->data, l, *l.resized(96))->data == second->data);
    c.deallocate(second->data, *l.resized(96));
    c.deallocate(first->data, l);
    const auto moved = c.reallocate(third->data, l, *l.resized(500), 32);
    REQUIRE(moved);
    CHECK(a.owns(moved->data));
    c.reset();
    CHECK(g.managed().empty());
}

TEST_CASE("choice: what the chosen one refuses no other one is asked for", "[compose][choice]") {
    testing::ground none(0), some;
    specimen a(none.upstream()), b(some.upstream());
    choice<by_size, specimen, specimen> c({}, a, b);
    CHECK_FALSE(c.available(l));
    CHECK_FALSE(c.allocate(l).has_value());
    CHECK(c.available(*l.resized(65)));
    CHECK_FALSE(c.owns(reinterpret_cast<const std::byte*>(&c)));
}

TEST_CASE("choice: a decision for an allocator that is not there breaks the contract", "[compose][choice]") {
    testing::ground g;
    specimen a(g.upstream()), b(g.upstream());
    choice<out_of_range, specimen, specimen> c({}, a, b);
    CHECK(support::broken_contract([&] { static_cast<void>(c.allocate(l)); }) == "index == last");
}

namespace {
struct pair_of {
    explicit pair_of(testing::ground& g) : a(g.upstream()), b(g.upstream()) {}
    auto& top() { return it; }
    specimen a, b;
    choice<by_size, specimen, specimen> it{{}, a, b};
};
}  // namespace
ASHLAR_ENROL_ERASED("choice", [](testing::ground& g) { return pair_of(g); });
