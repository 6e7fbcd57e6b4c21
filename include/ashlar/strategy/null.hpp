// ashlar/strategy/null.hpp - refuses everything: where a chain of allocators ends.
//
// Layer:      strategy
// Source:     Berger, Zorn, McKinley, "Composing High-Performance Memory Allocators", PLDI 2001 (the top of a chain).
// Picture:    first -> next -> ... -> null, which has nothing
// Complexity: nothing.
// Failure:    always: alloc_error. Giving a block back breaks the contract, for none was ever granted.
// Threads:    any.
// Invariants: null.I1  no block is ever live
// Checked by: tests/strategy/null_test.cpp
#pragma once

#include "ashlar/foundation/allocator.hpp"

namespace ashlar {

/// Stateless: every object of it is the same allocator.
class null {
public:
    static constexpr bool is_thread_safe = true;
    static constexpr bool deallocate_is_optional = true;

    static constexpr result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        return alloc_error{};
    }
    static void deallocate(std::byte*, layout) noexcept {
        constexpr bool is_live = false;  // null.I1: whatever it is, it is not from here
        ASHLAR_PRE(is_live);
    }
    static constexpr void reset() noexcept {}
    static constexpr bool available(layout) noexcept { return false; }
    static constexpr bool owns(const std::byte*) noexcept { return false; }
    template <class Visit>
    static constexpr void for_each_free(Visit) noexcept {}
};

static_assert(forecasting<null> && owning<null> && resettable<null> && walkable<null> && thread_safe<null>);
static_assert(!growable<null> && !shrinkable<null> && !zeroing<null> && !reallocating<null>);

}  // namespace ashlar
