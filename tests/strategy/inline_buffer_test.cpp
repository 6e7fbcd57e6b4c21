#include "ashlar/strategy/inline_buffer.hpp"

#include <catch2/catch.hpp>
#include <new>

#include "support/enrol.hpp"
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

namespace {
/// An object that the kit places: its blocks lie in it.
struct placed {
    using type = inline_buffer<8192>;
    explicit placed(testing::ground& g) : bytes(::new (g.buffer(sizeof(type), alignof(type)).data) type) {}
    placed(const placed&) = delete;
    placed& operator=(const placed&) = delete;
    ~placed() { bytes->~type(); }
    type* bytes;
    result<block> allocate(layout l) noexcept { return bytes->allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { bytes->deallocate(p, l); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept { return bytes->grow_in_place(p, old, now); }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept { return bytes->shrink_in_place(p, old, now); }
    void reset() noexcept { bytes->reset(); }
    bool available(layout l) const noexcept { return bytes->available(l); }
    bool owns(const std::byte* p) const noexcept { return bytes->owns(p); }
    template <class Visit>
    void for_each_free(Visit visit) const { bytes->for_each_free(visit); }
};
}  // namespace

ASHLAR_ENROL("inline_buffer", [](testing::ground& g) { return placed(g); }, tests::serves_bumped());
