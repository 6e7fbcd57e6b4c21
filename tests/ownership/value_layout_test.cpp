#include "ashlar/ownership/value_layout.hpp"

#include <catch2/catch.hpp>

#include "support/broken_contract.hpp"

using namespace ashlar;

namespace {
struct first_base {
    virtual ~first_base() = default;
    int a = 0;
};
struct second_base {
    virtual ~second_base() = default;
    int b = 0;
};
struct both : first_base, second_base {};
struct plain {
    int c = 0;
};
struct grown : plain {  // gets its table of virtual functions in front of plain
    virtual ~grown() = default;
};
struct abstract : first_base {
    virtual void act() = 0;
};
}  // namespace

TEST_CASE("value_layout: unpacks to the layout that was packed", "[ownership][value_layout]") {
    for (std::size_t align = 1; align != std::size_t{1} << 40; align *= 2) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4097}, (std::size_t{1} << 58) - 1}) {
            const auto l = layout::make(size, align);
            REQUIRE(value_layout(*l).unpacked() == *l);  // value_layout.I1
        }
    }
    STATIC_REQUIRE(sizeof(value_layout) == 8);
}

TEST_CASE("value_layout: a size that no type has breaks the contract", "[ownership][value_layout]") {
    const layout huge = *layout::make(std::size_t{1} << 58, 1);
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(value_layout(huge)); }).empty());
}

TEST_CASE("value_layout: tells at compile time whether a base begins where the object does", "[ownership][value_layout]") {
    STATIC_REQUIRE(begins_with<both, first_base>());
    STATIC_REQUIRE_FALSE(begins_with<both, second_base>());
    STATIC_REQUIRE_FALSE(begins_with<grown, plain>());
    STATIC_REQUIRE(begins_with<both, both>());
    STATIC_REQUIRE_FALSE(begins_with<abstract, first_base>());  // cannot be asked
}

TEST_CASE("value_layout: a type is open when its destructor is virtual", "[ownership][value_layout]") {
    STATIC_REQUIRE(open_type<first_base>);
    STATIC_REQUIRE(open_type<both>);
    STATIC_REQUIRE_FALSE(open_type<plain>);
    STATIC_REQUIRE_FALSE(open_type<int>);
}
