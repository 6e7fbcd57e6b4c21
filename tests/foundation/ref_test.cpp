#include "ashlar/foundation/ref.hpp"

#include <catch2/catch.hpp>

using ashlar::ref;

namespace {
struct counter {
    int value = 0;
    int next() noexcept { return ++value; }
};
struct constant {
    static int next() noexcept { return 42; }
};
struct holder {
    [[no_unique_address]] ref<constant> a;
    int own;
};
}  // namespace

TEST_CASE("ref: to an object with state is a pointer to it", "[foundation][ref]") {
    counter target;
    const ref<counter> handle(target);
    const ref<counter> copy = handle;
    CHECK(handle->next() == 1);
    CHECK((*copy).next() == 2);
    CHECK(target.value == 2);
    STATIC_REQUIRE(sizeof(handle) == sizeof(void*));  // ref.I1
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<ref<counter>>);
}

TEST_CASE("ref: to an object without state takes no space and needs no object", "[foundation][ref]") {
    const ref<constant> handle;
    CHECK(handle->next() == 42);
    STATIC_REQUIRE(std::is_empty_v<ref<constant>>);
    STATIC_REQUIRE(sizeof(holder) == sizeof(int));
    constant some;
    CHECK(ref<constant>(some)->next() == 42);
}
