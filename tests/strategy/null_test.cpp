#include "ashlar/strategy/null.hpp"

#include <catch2/catch.hpp>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"

using namespace ashlar;

TEST_CASE("null: refuses everything, owns nothing and takes no room", "[strategy][null]") {
    STATIC_REQUIRE(std::is_empty_v<null>);
    STATIC_REQUIRE_FALSE(null::allocate(layout::of<char>()).has_value());
    null none;
    CHECK_FALSE(none.allocate(*layout::make(layout::max_size, 1)));
    CHECK_FALSE(none.available(layout::of<char>()));
    std::byte b{};
    CHECK_FALSE(none.owns(&b));
    none.for_each_free([](block) { FAIL("nothing is free"); });
}

TEST_CASE("null: giving anything back breaks the contract", "[strategy][null]") {
    std::byte b{};
    CHECK_FALSE(support::broken_contract([&] { null::deallocate(&b, layout::of<char>()); }).empty());
    CHECK_FALSE(support::broken_contract([&] { null::deallocate(nullptr, layout::of<char>()); }).empty());
}

ASHLAR_ENROL("null", [](testing::ground&) { return null(); });
