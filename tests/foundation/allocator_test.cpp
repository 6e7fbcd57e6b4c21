#include "ashlar/foundation/allocator.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;

namespace {

struct frees_only {
    void deallocate(std::byte*, layout) noexcept {}
};
struct plain : frees_only {
    result<block> allocate(layout) noexcept { return alloc_error{}; }
};
struct throws : frees_only {
    result<block> allocate(layout) { return alloc_error{}; }
};
struct returns_pointer : frees_only {
    std::byte* allocate(layout) noexcept { return nullptr; }
};
struct able : plain {
    result<block> grow_in_place(std::byte*, layout, layout) noexcept { return alloc_error{}; }
    result<block> shrink_in_place(std::byte*, layout, layout) noexcept { return alloc_error{}; }
    result<block> allocate_zeroed(layout) noexcept { return alloc_error{}; }
    result<block> reallocate(std::byte*, layout, layout, std::size_t) noexcept { return alloc_error{}; }
    bool owns(const std::byte*) const noexcept { return false; }
    bool available(layout) const noexcept { return false; }
    void reset() noexcept {}
    void trim() noexcept {}
    template <class Visit>
    void for_each_free(Visit) const {}
    static constexpr bool is_thread_safe = true, deallocate_is_optional = true;
};
struct says_no : plain {
    static constexpr bool is_thread_safe = false, deallocate_is_optional = false;
};

}  // namespace

TEST_CASE("allocator: two operations are required, and both are noexcept", "[foundation][allocator]") {
    STATIC_REQUIRE(deallocator<frees_only>);
    STATIC_REQUIRE_FALSE(allocator<frees_only>);
    STATIC_REQUIRE(allocator<plain>);
    STATIC_REQUIRE_FALSE(allocator<throws>);
    STATIC_REQUIRE_FALSE(allocator<returns_pointer>);
}

TEST_CASE("allocator: abilities are found by presence, one by one", "[foundation][allocator]") {
    STATIC_REQUIRE_FALSE(growable<plain> || shrinkable<plain> || zeroing<plain> || reallocating<plain>);
    STATIC_REQUIRE_FALSE(owning<plain> || resettable<plain> || forecasting<plain> || walkable<plain> || trimmable<plain>);
    STATIC_REQUIRE(growable<able> && shrinkable<able> && zeroing<able> && reallocating<able>);
    STATIC_REQUIRE(owning<able> && resettable<able> && forecasting<able> && walkable<able> && trimmable<able>);
}

TEST_CASE("allocator: properties hold where they are declared true", "[foundation][allocator]") {
    STATIC_REQUIRE(thread_safe<able> && optional_deallocate<able>);
    STATIC_REQUIRE_FALSE(thread_safe<plain> || optional_deallocate<plain>);
    STATIC_REQUIRE_FALSE(thread_safe<says_no> || optional_deallocate<says_no>);
}
