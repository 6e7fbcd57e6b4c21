#include "ashlar/ownership/inplace_storage.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace ashlar;

TEST_CASE("inplace_storage: takes the room of its elements and no more", "[ownership][inplace_storage]") {
    STATIC_REQUIRE(sizeof(inplace_storage<int, 7>) == 7 * sizeof(int));
    STATIC_REQUIRE(sizeof(inplace_storage<std::string, 3>) == 3 * sizeof(std::string));
    STATIC_REQUIRE(alignof(inplace_storage<std::string, 3>) == alignof(std::string));
    STATIC_REQUIRE(std::is_trivially_copyable_v<inplace_storage<int, 7>>);
}

TEST_CASE("inplace_storage: of plain elements works in constant expressions", "[ownership][inplace_storage]") {
    constexpr auto third = [] {
        inplace_storage<int, 4> s;
        return s.make(2, 5) + s.data()[2] + s.data()[3];
    }();
    STATIC_REQUIRE(third == 10);
}

TEST_CASE("inplace_storage: of other elements makes them where they are to be", "[ownership][inplace_storage]") {
    inplace_storage<std::string, 2> s;
    CHECK(s.make(1, 3u, 'x') == "xxx");
    CHECK(s.data()[1].size() == 3);
    s.data()[1].~basic_string();
}
