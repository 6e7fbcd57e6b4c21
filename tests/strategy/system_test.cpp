#include "ashlar/strategy/system.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "ashlar/foundation/ref.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"
#include "support/sanitizer.hpp"

using namespace ashlar;

TEST_CASE("system: serves random traces with alignments up to a page", "[strategy][system]") {
    class system a;
    support::random_trace trace(a, 1, {.align_exponents = 12});
    CHECK(trace.run() == 0);
}

TEST_CASE("system: zeroed blocks are zero at any alignment", "[strategy][system]") {
    for (const std::size_t align : {1u, 16u, 64u, 4096u}) {
        const auto l = *layout::make(5000, align);
        const auto b = *ashlar::system::allocate_zeroed(l);
        CHECK(is_aligned(b.data, align));
        CHECK(std::all_of(b.data, b.data + l.size(), [](std::byte x) { return x == std::byte{0}; }));
        ashlar::system::deallocate(b.data, l);
    }
}

TEST_CASE("system: reallocate keeps contents and alignment", "[strategy][system]") {
    for (const std::size_t from : {8u, 256u}) {
        for (const std::size_t to : {8u, 512u}) {
            const auto old = *layout::make(100, from), now = *layout::make(100'000, to);
            const auto b = *ashlar::system::allocate(old);
            std::fill(b.data, b.data + 100, std::byte{42});
            const auto moved = ashlar::system::reallocate(b.data, old, now, 100);
            REQUIRE(moved);
            CHECK(is_aligned(moved->data, to));
            CHECK(std::all_of(moved->data, moved->data + 100, [](std::byte x) { return x == std::byte{42}; }));
            ashlar::system::deallocate(moved->data, now);
        }
    }
}

TEST_CASE("system: what the host refuses is refused, and a refused reallocate keeps the block",
          "[strategy][system]") {
    if (support::sanitized) return;  // the sanitizers' malloc ends the process instead
    const auto huge = *layout::make(layout::max_size, 1), small = *layout::make(10, 1);
    CHECK_FALSE(ashlar::system::allocate(huge));
    CHECK_FALSE(ashlar::system::allocate_zeroed(huge));
    CHECK_FALSE(ashlar::system::allocate(*layout::make(layout::max_size / 2, 4096)));
    CHECK_FALSE(ashlar::system::allocate_zeroed(*layout::make(layout::max_size / 2, 4096)));
    const auto b = *ashlar::system::allocate(small);
    std::byte* volatile kept = b.data;  // g++ warns of any use after realloc, even after one that failed
    b.data[9] = std::byte{9};
    CHECK_FALSE(ashlar::system::reallocate(b.data, small, huge, 10));
    CHECK_FALSE(ashlar::system::reallocate(kept, small, *layout::make(layout::max_size / 2, 4096), 10));
    std::byte* const still = kept;
    CHECK(still[9] == std::byte{9});
    ashlar::system::deallocate(still, small);
}

TEST_CASE("system: has no state, so a handle to it takes no space", "[strategy][system]") {
    STATIC_REQUIRE(std::is_empty_v<ref<class system>>);
    STATIC_REQUIRE_FALSE(forecasting<class system>);
}

ASHLAR_ENROL("system", [](testing::ground&) { return ashlar::system(); });
