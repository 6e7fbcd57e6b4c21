// ashlar/ownership/allocator_link.hpp - what an owner keeps so that it can give its block back.
//
// Layer:      ownership
// Picture:    optional_deallocate<A>  { }          the block is left to the allocator's end
//             stateless<A>            { }          any A will do
//             otherwise               { pointer }  null in an owner that owns nothing
// Complexity: a pointer, or nothing.
// Failure:    none.
// Threads:    as the allocator.
// Invariants: allocator_link.I1  it is empty exactly when A is stateless or may be left without deallocate
// Checked by: tests/ownership/allocator_link_test.cpp
#pragma once

#include <cstddef>
#include <type_traits>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <deallocator A>
class allocator_link {
public:
    constexpr allocator_link() noexcept = default;
    /// @pre a outlives the owner
    constexpr allocator_link(A& a) noexcept : target_(__builtin_addressof(a)) {}

    /// @pre p is a live block of the allocator that l fits
    void deallocate(std::byte* p, layout l) const noexcept {
        ASHLAR_PRE(target_ != nullptr);
        target_->deallocate(p, l);
    }

private:
    A* target_ = nullptr;
};

template <deallocator A>
    requires optional_deallocate<A>
class allocator_link<A> {
public:
    constexpr allocator_link() noexcept = default;
    constexpr allocator_link(A&) noexcept {}
    void deallocate(std::byte*, layout) const noexcept {}
};

template <deallocator A>
    requires(stateless<A> && !optional_deallocate<A>)
class allocator_link<A> {
public:
    constexpr allocator_link() noexcept = default;
    constexpr allocator_link(A&) noexcept {}
    void deallocate(std::byte* p, layout l) const noexcept { ref<A>()->deallocate(p, l); }
};

/// Whether an owner of blocks of A needs no room for its allocator.
template <class A>
inline constexpr bool link_is_empty = std::is_empty_v<allocator_link<A>>;  // allocator_link.I1

}  // namespace ashlar
