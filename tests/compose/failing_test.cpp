#include "ashlar/compose/failing.hpp"

#include <catch2/catch.hpp>

#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/ground.hpp"
#include "support/enrol.hpp"

using namespace ashlar;

namespace {
const layout eight = *layout::make(8, 8);

// Which of ten requests are granted under a plan.
std::string granted(std::size_t n, failure how) {
    testing::source upstream(4096, testing::placement::lowest);
    failure_plan plan;
    failing<testing::source> f(upstream, plan);
    plan.arm(n, how);
    std::string seen;
    for (int i = 0; i < 6; ++i) {
        CHECK(f.available(eight) == !plan.would_refuse());
        const auto b = f.allocate(eight);
        seen += b ? 'y' : 'n';
        if (b) f.deallocate(b->data, eight);
    }
    return seen;
}
}  // namespace

TEST_CASE("failing: refuses the n-th request once or from then on", "[compose][failing]") {
    CHECK(granted(0, failure::once) == "yyyyyy");
    CHECK(granted(1, failure::once) == "nyyyyy");
    CHECK(granted(3, failure::once) == "yynyyy");
    CHECK(granted(3, failure::from_then_on) == "yynnnn");
    CHECK(granted(7, failure::from_then_on) == "yyyyyy");
}

TEST_CASE("failing: a refused request does not reach the upstream", "[compose][failing]") {
    testing::source upstream(4096, testing::placement::lowest);
    failure_plan plan;
    failing<testing::source> f(upstream, plan);
    plan.arm(1, failure::once);
    CHECK_FALSE(f.allocate(eight).has_value());
    CHECK(upstream.grants() == 0);  // failing.I1
    CHECK(plan.requests() == 1);
    CHECK(plan.refusals() == 1);
}

TEST_CASE("failing: two sources with one plan count together", "[compose][failing]") {
    testing::source a(4096, testing::placement::lowest);
    failure_plan plan;
    failing<testing::source> one(a, plan), two(a, plan);
    plan.arm(2, failure::once);
    const auto first = one.allocate(eight);
    REQUIRE(first);
    CHECK_FALSE(two.allocate(eight).has_value());
    one.deallocate(first->data, eight);
}

TEST_CASE("failing: offers just what its upstream can do", "[compose][failing]") {
    using f = failing<testing::source>;
    STATIC_REQUIRE(allocator<f> && forecasting<f> && owning<f>);
    STATIC_REQUIRE_FALSE(growable<f> || shrinkable<f> || resettable<f> || reallocating<f> || zeroing<f> || walkable<f>);
}

ASHLAR_ENROL("failing", [](testing::ground& g) {
    return failing<testing::ground::upstream_type>(g.upstream(), g.keep<failure_plan>());
});
