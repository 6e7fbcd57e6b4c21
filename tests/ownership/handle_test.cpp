#include "ashlar/ownership/handle.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

using namespace ashlar;

TEST_CASE("handle: by default it refers to nothing, and is what a refusal is made of", "[ownership][handle]") {
    static_assert(sizeof(handle<int>) == 8 && sizeof(result<handle<int>>) == 8);
    const handle<int> nothing;
    CHECK_FALSE(nothing);
    CHECK(handle<int>{0, 1});
    CHECK_FALSE(result<handle<int>>(alloc_error{}).has_value());
    CHECK(result<handle<int>>(handle<int>{7, 3})->index == 7);
}

TEST_CASE("handle: the handle of another type is not taken for it", "[ownership][handle]") {
    static_assert(!std::is_convertible_v<handle<int>, handle<long>>);
    CHECK(handle<int>{1, 2} == handle<int>{1, 2});
    CHECK_FALSE(handle<int>{1, 2} == handle<int>{1, 3});
}
