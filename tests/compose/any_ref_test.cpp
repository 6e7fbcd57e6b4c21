#include "ashlar/compose/any_ref.hpp"

#include <catch2/catch.hpp>

#include "ashlar/testing/ground.hpp"
#include "support/enrol.hpp"

using namespace ashlar;

namespace {
// Grants, and grows in place by pretending: what it was asked is written down.
struct growing {
    std::byte bytes[256];
    std::size_t asked = 0;
    result<block> allocate(layout l) noexcept { return asked = l.size(), block{bytes, 128}; }
    void deallocate(std::byte*, layout) noexcept { asked = 0; }
    result<block> grow_in_place(std::byte* p, layout, layout now) noexcept { return asked = now.size(), block{p, 256}; }
    void trim() noexcept { asked = 77; }
};
}  // namespace

TEST_CASE("any_ref: is two words and an allocator", "[compose][any_ref]") {
    STATIC_REQUIRE(sizeof(any_ref) == 2 * sizeof(void*));
    STATIC_REQUIRE(allocator<any_ref> && growable<any_ref> && reallocating<any_ref> && zeroing<any_ref>);
    STATIC_REQUIRE_FALSE(owning<any_ref> || forecasting<any_ref> || resettable<any_ref>);
}

TEST_CASE("any_ref: reaches the operations of the allocator behind it", "[compose][any_ref]") {
    growing target;
    const any_ref handle(target);
    const layout l = layout::of<long>();
    const auto b = handle.allocate(l);
    REQUIRE(b);
    CHECK(target.asked == sizeof(long));
    CHECK(handle.grow_in_place(b->data, l, *l.resized(200)).has_value());
    CHECK(target.asked == 200);
    handle.trim();
    CHECK(target.asked == 77);
    handle.deallocate(b->data, l);
    CHECK(target.asked == 0);
}

TEST_CASE("any_ref: refuses in place what the allocator cannot do", "[compose][any_ref]") {
    growing target;
    const layout l = *layout::make(100, 8);
    CHECK_FALSE(any_ref(target).shrink_in_place(target.bytes, l, *l.resized(50)).has_value());
}

TEST_CASE("any_ref: handles to one allocator are equal and to two are not", "[compose][any_ref]") {
    growing one, two;
    CHECK(any_ref(one) == any_ref(one));
    CHECK_FALSE(any_ref(one) == any_ref(two));
}

namespace {
// any_ref is a handle; the ground's upstream is what it must not spoil.
struct by_handle {
    explicit by_handle(testing::ground& g) : handle(g.upstream()) {}
    result<block> allocate(layout l) noexcept { return handle.allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { handle.deallocate(p, l); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept { return handle.grow_in_place(p, old, now); }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t n) noexcept {
        return handle.reallocate(p, old, now, n);
    }
    result<block> allocate_zeroed(layout l) noexcept { return handle.allocate_zeroed(l); }
    any_ref handle;
};
}  // namespace

ASHLAR_ENROL("any_ref", [](testing::ground& g) { return by_handle(g); });
