#include "ashlar/compose/limited.hpp"

#include <catch2/catch.hpp>

#include "ashlar/foundation/operations.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;

namespace {
struct fixture {
    testing::ground g;
    specimen heap{g.upstream()};
    limited<specimen> most{heap, {.bytes = 100, .blocks = 3}};
};
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("limited: grants up to the limit to the byte, and to the block", "[compose][limited]") {
    fixture f;
    const auto a = f.most.allocate(bytes(60));
    REQUIRE(a);
    CHECK(a->size == 60);
    CHECK(f.most.available(bytes(40)));
    CHECK_FALSE(f.most.available(bytes(41)));
    CHECK_FALSE(f.most.allocate(bytes(41)).has_value());
    const auto b = f.most.allocate(bytes(1)), c = f.most.allocate(bytes(1));
    REQUIRE((b && c));
    CHECK_FALSE(f.most.allocate(bytes(1)).has_value());  // three blocks
    CHECK(f.most.bytes() == 62);                         // limited.I1
    f.most.deallocate(b->data, bytes(1));
    CHECK(f.most.allocate(bytes(39)).has_value());
    CHECK(f.most.bytes() == 100);
    CHECK_FALSE(f.most.allocate(*layout::make(layout::max_size, 1)).has_value());
    f.most.reset();
    CHECK(f.most.blocks() == 0);
}

TEST_CASE("limited: growth, shrinking and reallocation count what they change", "[compose][limited]") {
    fixture f;
    const auto a = f.most.allocate(bytes(48));
    REQUIRE(a);
    CHECK_FALSE(f.most.grow_in_place(a->data, bytes(48), bytes(101)).has_value());
    REQUIRE(f.most.grow_in_place(a->data, bytes(48), bytes(96)));
    CHECK(f.most.bytes() == 96);
    REQUIRE(f.most.shrink_in_place(a->data, bytes(96), bytes(16)));
    CHECK(f.most.bytes() == 16);
    const auto moved = f.most.reallocate(a->data, bytes(16), bytes(100), 16);
    REQUIRE(moved);
    CHECK_FALSE(f.most.reallocate(moved->data, bytes(100), bytes(101), 16).has_value());
    CHECK(f.most.bytes() == 100);
    f.most.deallocate(moved->data, bytes(100));
    CHECK((f.most.bytes() == 0 && f.most.blocks() == 0));
}

TEST_CASE("limited: a limit lowered below what is live lets blocks go and no new ones come", "[compose][limited]") {
    fixture f;
    const auto a = f.most.allocate(bytes(80));
    REQUIRE(a);
    f.most.limit_to({.bytes = 50});
    CHECK_FALSE(f.most.allocate(bytes(1)).has_value());
    f.most.deallocate(a->data, bytes(80));
    CHECK(f.most.available(bytes(50)));
    CHECK(f.most.limit().bytes == 50);
}

TEST_CASE("limited: what the upstream refuses is not counted", "[compose][limited]") {
    fixture f;
    f.g.refuse(1, failure::once);
    CHECK_FALSE(f.most.allocate(bytes(8)).has_value());
    CHECK(f.most.blocks() == 0);
}

ASHLAR_ENROL_ERASED("limited", [](testing::ground& g) {
    return limited<specimen>(g.keep<specimen>(g.upstream()), limits{});
});
ASHLAR_ENROL_ERASED("limited, to 4,000 bytes", tests::erase([](testing::ground& g) {
    return limited<specimen>(g.keep<specimen>(g.upstream()), {.bytes = 4000, .blocks = 20});
}, false));
