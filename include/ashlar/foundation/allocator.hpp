// ashlar/foundation/allocator.hpp - what an allocator is, and the words its contracts use.
//
// Layer:      foundation
// Source:     Rust's Allocator trait; D's std.experimental.allocator (abilities by presence).
// Complexity: concepts only.
// Failure:    a refusal is a value (alloc_error) and changes nothing (law C6).
// Threads:    an allocator serves one thread at a time unless its header says otherwise.
// Checked by: tests/foundation/allocator_test.cpp
//
// The words, used everywhere in just this sense:
//   granted      returned by allocate, reallocate or an in-place operation that succeeded
//   live block   granted, and since neither given back nor replaced by a successful reallocation
//   fits         a layout fits a live block when its alignment is the one the block was asked with and its
//                size lies between the size last asked for and the size granted
//   owns         the address lies in memory that this allocator would grant from
//   available    allocate(layout) would be granted now
//
// Two operations are required. Every further ability is offered only by what can do it, and found by the
// concepts below: an allocator that cannot do a thing has no member that pretends to.
// Zero size is a precondition violation of every hook; the front ends (malloc, pmr, std) answer for it.
// Allocators are neither copied nor moved: hold them by reference.
#pragma once

#include <concepts>
#include <cstddef>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/result.hpp"

namespace ashlar {

/// Can take a block back. @pre of deallocate: p is a live block of this allocator that the layout fits
template <class A>
concept deallocator = requires(A& a, std::byte* p, layout l) {
    { a.deallocate(p, l) } noexcept -> std::same_as<void>;
};

/// Can grant: allocate(l) gives a block of at least l.size() bytes at a multiple of l.align(), disjoint
/// from every live block (law C1), or alloc_error and then nothing changed (law C6).
template <class A>
concept allocator = deallocator<A> && requires(A& a, layout l) {
    { a.allocate(l) } noexcept -> std::same_as<result<block>>;
};

/// grow_in_place(p, old, now) enlarges the live block p where it stands, or refuses and changes nothing.
template <class A>
concept growable = allocator<A> && requires(A& a, std::byte* p, layout l) {
    { a.grow_in_place(p, l, l) } noexcept -> std::same_as<result<block>>;
};

/// shrink_in_place(p, old, now) makes the live block p smaller where it stands; it too may refuse.
template <class A>
concept shrinkable = allocator<A> && requires(A& a, std::byte* p, layout l) {
    { a.shrink_in_place(p, l, l) } noexcept -> std::same_as<result<block>>;
};

/// owns(p): whether p lies in memory this allocator would grant from.
template <class A>
concept owning = requires(const A& a, const std::byte* p) {
    { a.owns(p) } noexcept -> std::same_as<bool>;
};

/// reset() ends the life of every block at once; the allocator is then as it was at first.
template <class A>
concept resettable = requires(A& a) {
    { a.reset() } noexcept -> std::same_as<void>;
};

/// trim() gives back to its upstream what no live block needs: idle chunks and regions, blocks kept for later. With
/// nothing live, everything then is as at first (law C7).
template <class A>
concept trimmable = requires(A& a) {
    { a.trim() } noexcept -> std::same_as<void>;
};

/// allocate_zeroed(l): a block whose first l.size() bytes are zero, cheaper than by filling it.
template <class A>
concept zeroing = allocator<A> && requires(A& a, layout l) {
    { a.allocate_zeroed(l) } noexcept -> std::same_as<result<block>>;
};

/// reallocate(p, old, now, live_bytes): better than allocate, copy and deallocate (remapped pages, say).
template <class A>
concept reallocating = allocator<A> && requires(A& a, std::byte* p, layout l, std::size_t n) {
    { a.reallocate(p, l, l, n) } noexcept -> std::same_as<result<block>>;
};

/// available(l): exactly whether allocate(l) would be granted now (law C4).
template <class A>
concept forecasting = allocator<A> && requires(const A& a, layout l) {
    { a.available(l) } noexcept -> std::same_as<bool>;
};

/// thread_safe: any thread may call any operation at any time, and give back what another was granted.
template <class A>
concept thread_safe = deallocator<A> && requires { requires A::is_thread_safe; };

/// optional_deallocate: a block that is never given back is no leak, for the allocator's end or its reset takes all.
/// An owner may then leave deallocate out, and with it the handle to the allocator.
template <class A>
concept optional_deallocate = deallocator<A> && requires { requires A::deallocate_is_optional; };

/// for_each_free(visit): calls visit(block) for every maximal free range, in address order (laws C3, C7).
template <class A>
concept walkable = requires(const A& a, void (*visit)(block)) { a.for_each_free(visit); };

}  // namespace ashlar
