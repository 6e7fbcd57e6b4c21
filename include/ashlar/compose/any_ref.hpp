// ashlar/compose/any_ref.hpp - a handle to an allocator of any type.
//
// Layer:      compose
// Picture:    { void* target, const table* }  two words; one table per type of allocator
// Complexity: one indirect call more than the allocator's own operation.
// Failure:    that of the allocator; an in-place operation that it cannot do is refused.
// Threads:    that of the allocator.
// Invariants: any_ref.I1  target_ and table_ are of the same allocator type
// Checked by: tests/compose/any_ref_test.cpp
//
// The abilities offered are those that every allocator has by the defaults of foundation/operations.hpp.
// owns, reset and available have no default that would be true of every allocator, so they are not here.
#pragma once

#include <concepts>
#include <type_traits>

#include "ashlar/foundation/operations.hpp"

namespace ashlar {

/// @pre the allocator lives longer than every use of the handle
class any_ref {
public:
    template <allocator A>
        requires(!std::same_as<A, any_ref> && !std::is_const_v<A>)
    any_ref(A& a) noexcept : target_(__builtin_addressof(a)), table_(&table_of<A>) {}

    result<block> allocate(layout l) const noexcept { return table_->allocate(target_, l); }
    void deallocate(std::byte* p, layout l) const noexcept { table_->deallocate(target_, p, l); }
    result<block> allocate_zeroed(layout l) const noexcept { return table_->allocate_zeroed(target_, l); }
    result<block> grow_in_place(std::byte* p, layout old, layout now) const noexcept {
        return table_->grow_in_place(target_, p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) const noexcept {
        return table_->shrink_in_place(target_, p, old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) const noexcept {
        return table_->reallocate(target_, p, old, now, live_bytes);
    }
    void trim() const noexcept { table_->trim(target_); }

    /// Handles to the same allocator object are equal.
    friend bool operator==(any_ref a, any_ref b) noexcept { return a.target_ == b.target_ && a.table_ == b.table_; }

private:
    struct table {
        result<block> (*allocate)(void*, layout) noexcept;
        void (*deallocate)(void*, std::byte*, layout) noexcept;
        result<block> (*allocate_zeroed)(void*, layout) noexcept;
        result<block> (*grow_in_place)(void*, std::byte*, layout, layout) noexcept;
        result<block> (*shrink_in_place)(void*, std::byte*, layout, layout) noexcept;
        result<block> (*reallocate)(void*, std::byte*, layout, layout, std::size_t) noexcept;
        void (*trim)(void*) noexcept;
    };

    template <class A>
    static A& as(void* target) noexcept { return *static_cast<A*>(target); }

    template <class A>
    static constexpr table table_of{
        [](void* t, layout l) noexcept { return as<A>(t).allocate(l); },
        [](void* t, std::byte* p, layout l) noexcept { as<A>(t).deallocate(p, l); },
        [](void* t, layout l) noexcept { return ashlar::allocate_zeroed(as<A>(t), l); },
        [](void* t, std::byte* p, layout old, layout now) noexcept {
            return ashlar::grow_in_place(as<A>(t), p, old, now);
        },
        [](void* t, std::byte* p, layout old, layout now) noexcept {
            return ashlar::shrink_in_place(as<A>(t), p, old, now);
        },
        [](void* t, std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
            return ashlar::reallocate(as<A>(t), p, old, now, live_bytes);
        },
        [](void* t) noexcept { ashlar::trim(as<A>(t)); }};

    void* target_;
    const table* table_;  // any_ref.I1: of the type that target_ had when the handle was made
};

}  // namespace ashlar
