// ashlar/foundation/operations.hpp - what every allocator can do, by its own ability or by a default.
//
// Layer:      foundation
// Complexity: that of the allocator's own operation; the default of reallocate copies live_bytes.
// Failure:    alloc_error, and then the old block is live and its bytes are as they were.
// Threads:    as the allocator.
// Checked by: tests/foundation/operations_test.cpp
#pragma once

#include <cstring>

#include "ashlar/foundation/allocator.hpp"

namespace ashlar {

/// Enlarges a live block where it stands; refuses where the allocator cannot.
/// @pre  old fits the live block p; now.align() == old.align(); now.size() >= old.size()
/// @post on refusal nothing has changed
template <allocator A>
result<block> grow_in_place(A& a, std::byte* p, layout old, layout now) noexcept {
    if constexpr (growable<A>) return a.grow_in_place(p, old, now);
    return alloc_error{};
}

/// Makes a live block smaller where it stands; refuses where the allocator cannot.
/// @pre  old fits the live block p; now.align() == old.align(); 0 < now.size() <= old.size()
/// @post on refusal nothing has changed
template <allocator A>
result<block> shrink_in_place(A& a, std::byte* p, layout old, layout now) noexcept {
    if constexpr (shrinkable<A>) return a.shrink_in_place(p, old, now);
    return alloc_error{};
}

/// A block for `now` that holds the first live_bytes bytes of p; p is given back.
/// @pre  old fits the live block p; live_bytes <= old.size() and <= now.size()
/// @post on refusal p is still live and unchanged
/// @complexity O(live_bytes) where the block must move
template <allocator A>
result<block> reallocate(A& a, std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
    ASHLAR_PRE(live_bytes <= old.size() && live_bytes <= now.size());
    if constexpr (reallocating<A>) {
        return a.reallocate(p, old, now, live_bytes);
    } else {
        if (now.align() == old.align()) {
            const auto in_place =
                now.size() >= old.size() ? grow_in_place(a, p, old, now) : shrink_in_place(a, p, old, now);
            if (in_place) return in_place;
        }
        const auto moved = a.allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        a.deallocate(p, old);
        return moved;
    }
}

/// Gives back to the upstream what no live block needs; nothing where the allocator keeps nothing.
template <class A>
void trim(A& a) noexcept {
    if constexpr (trimmable<A>) a.trim();
}

/// A block whose first l.size() bytes are zero.
/// @complexity O(l.size()) unless the allocator knows that its memory is zero
template <allocator A>
result<block> allocate_zeroed(A& a, layout l) noexcept {
    if constexpr (zeroing<A>) {
        return a.allocate_zeroed(l);
    } else {
        const auto granted = a.allocate(l);
        if (granted) std::memset(granted->data, 0, l.size());
        return granted;
    }
}

}  // namespace ashlar
