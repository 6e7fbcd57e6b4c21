#include "ashlar/compose/validated.hpp"

#include <catch2/catch.hpp>

#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/ground.hpp"
#include "support/enrol.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using testing::attempt;

namespace {
using checked = validated<testing::ground::upstream_type>;
const layout l64 = *layout::make(64, 16);

struct fixture {
    testing::ground ground;
    checked v{ground.upstream()};
};
bool stopped(auto act) { return attempt(act).has_value(); }
}  // namespace

#if ASHLAR_CHECKS >= 1
TEST_CASE("validated: misuse of a block stops before the upstream is touched", "[compose][validated]") {
    fixture f;
    const auto a = f.v.allocate(l64);
    const auto b = f.v.allocate(l64);
    REQUIRE((a && b));
    f.v.deallocate(b->data, l64);
    CHECK(stopped([&] { f.v.deallocate(b->data, l64); }));
    CHECK(stopped([&] { f.v.deallocate(a->data + 16, l64); }));
    CHECK(stopped([&] { f.v.deallocate(nullptr, l64); }));
    CHECK(stopped([&] { f.v.deallocate(a->data, *l64.resized(65)); }));
    CHECK(stopped([&] { f.v.deallocate(a->data, *layout::make(64, 8)); }));
    CHECK(stopped([&] { static_cast<void>(f.v.allocate(*layout::make(0, 8))); }));
    CHECK_FALSE(f.ground.damage().has_value());
    CHECK(f.v.live_blocks() == 1);  // validated.I1
    f.v.deallocate(a->data, l64);
    CHECK(f.v.live_blocks() == 0);
}

TEST_CASE("validated: the report names the contract that was broken", "[compose][validated]") {
    fixture f;
    const auto seen = attempt([&] { f.v.deallocate(nullptr, l64); });
    REQUIRE(seen);
    CHECK(std::string(seen->condition) == "starts_live_block(p)");
}
#endif

TEST_CASE("validated: a refusal of the upstream changes nothing in the table", "[compose][validated]") {
    fixture f;
    f.ground.plan().arm(1, failure::once);
    CHECK_FALSE(f.v.allocate(l64).has_value());
    CHECK(f.v.live_blocks() == 0);
}

TEST_CASE("validated: offers just what its upstream can do", "[compose][validated]") {
    STATIC_REQUIRE(forecasting<checked> && owning<checked>);
    STATIC_REQUIRE_FALSE(growable<checked> || resettable<checked> || zeroing<checked>);
    using full = validated<tests::specimen>;
    STATIC_REQUIRE(growable<full> && shrinkable<full> && reallocating<full> && zeroing<full>);
    STATIC_REQUIRE(owning<full> && resettable<full> && forecasting<full> && walkable<full>);
}

ASHLAR_ENROL("validated", [](testing::ground& g) {
    return validated<tests::specimen>(g.keep<tests::specimen>(g.upstream()));
}, testing::reports_misuse());
