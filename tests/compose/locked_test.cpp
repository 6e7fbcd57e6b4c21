#include "ashlar/compose/locked.hpp"

#include <catch2/catch.hpp>

#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;

namespace {
struct counting_mutex {
    static inline int locks = 0, held = 0;
    void lock() noexcept { ++locks, ++held; }
    void unlock() noexcept { --held; }
};
// Every operation, queries too, must find the mutex held.
struct watchful {
    static inline int seen = 0;
    static void look() { seen += counting_mutex::held == 1 ? 1 : 1000; }
    result<block> allocate(layout) noexcept { return look(), alloc_error{}; }
    void deallocate(std::byte*, layout) noexcept { look(); }
    result<block> grow_in_place(std::byte*, layout, layout) noexcept { return look(), alloc_error{}; }
    result<block> shrink_in_place(std::byte*, layout, layout) noexcept { return look(), alloc_error{}; }
    result<block> reallocate(std::byte*, layout, layout, std::size_t) noexcept { return look(), alloc_error{}; }
    result<block> allocate_zeroed(layout) noexcept { return look(), alloc_error{}; }
    bool owns(const std::byte*) const noexcept { return look(), false; }
    void reset() noexcept { look(); }
    void trim() noexcept { look(); }
    bool available(layout) const noexcept { return look(), false; }
    template <class Visit>
    void for_each_free(Visit) const { look(); }
};
}  // namespace

TEST_CASE("locked: holds the mutex in every operation and in every query", "[compose][locked]") {
    locked<watchful, counting_mutex> a;
    const layout l = layout::of<int>();
    CHECK_FALSE(a.allocate(l).has_value());
    a.deallocate(nullptr, l);
    CHECK_FALSE(a.grow_in_place(nullptr, l, l).has_value());
    CHECK_FALSE(a.shrink_in_place(nullptr, l, l).has_value());
    CHECK_FALSE(a.reallocate(nullptr, l, l, 0).has_value());
    CHECK_FALSE(a.allocate_zeroed(l).has_value());
    CHECK_FALSE(a.owns(nullptr));
    a.reset();
    a.trim();
    CHECK_FALSE(a.available(l));
    a.for_each_free([](block) {});
    CHECK(watchful::seen == 11);  // locked.I1
    CHECK(counting_mutex::locks == 11);
    CHECK(counting_mutex::held == 0);
}

TEST_CASE("locked: is thread safe with a real mutex only, and takes no room for a null one", "[compose][locked]") {
    STATIC_REQUIRE(thread_safe<locked<watchful, counting_mutex>>);
    STATIC_REQUIRE_FALSE(thread_safe<locked<watchful, null_mutex>>);
    CHECK(sizeof(locked<tests::specimen, null_mutex>) == sizeof(void*));
}

ASHLAR_ENROL_ERASED("locked", [](testing::ground& g) {
    return locked<tests::specimen, null_mutex>(g.keep<tests::specimen>(g.upstream()));
});
