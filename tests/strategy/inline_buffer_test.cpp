#include "ashlar/strategy/inline_buffer.hpp"

#include <catch2/catch.hpp>

#include "support/enrol.hpp"
#include "support/placed.hpp"
#include "support/serves.hpp"

using namespace ashlar;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
}  // namespace

TEST_CASE("inline_buffer: serves from within itself, and no further", "[strategy][inline_buffer]") {
    inline_buffer<1024, 4096> a;
    CHECK(a.capacity() == 1024);
    const auto b = *a.allocate(of(1000));
    CHECK(is_aligned(b.data, 4096));
    const auto* const begin = reinterpret_cast<const std::byte*>(&a);
    CHECK((b.data >= begin && b.end() <= begin + sizeof a));
    CHECK_FALSE(a.allocate(of(100)));
    a.deallocate(b.data, of(1000));
    CHECK(a.room() == 1024);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<inline_buffer<8>>);
    STATIC_REQUIRE(sizeof(inline_buffer<1024>) <= 1024 + 4 * sizeof(void*));
}

TEST_CASE("inline_buffer: whatever serves from a bump serves from it", "[strategy][inline_buffer]") {
    inline_buffer<256> a;
    bump& seen = a;
    const auto mark = seen.mark();
    REQUIRE(seen.allocate(of(200)));
    CHECK(a.room() == 48);
    a.rewind(mark);
    CHECK(a.room() == 256);
}

ASHLAR_ENROL("inline_buffer", [](testing::ground& g) { return tests::placed<inline_buffer<8192>>(g); }, tests::serves_bumped());
