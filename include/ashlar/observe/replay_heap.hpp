// ashlar/observe/replay_heap.hpp - what a replay asks of whatever serves it: an allocator, the malloc, or nothing.
//
// Layer:      observe
// Source:     Knittel, malloc-bench (the replay without an allocator, whose time is subtracted).
// Picture:    replay loop -> allocator_heap<A> -> A         a template: no virtual call in the timed loop
//                         -> malloc_heap       -> malloc, free, ... of the process
//                         -> null_heap         -> one address for everything
// Complexity: that of what it stands for; null_heap O(1).
// Failure:    null where the request was refused; then nothing changed.
// Threads:    as what it stands for.
// Checked by: tests/observe/replay_heap_test.cpp
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/observe/replay_script.hpp"

namespace ashlar {

/// @pre of all members: sizes are not 0, alignments are powers of two
template <class H>
concept replay_heap = requires(H& heap, std::byte* p, std::uint64_t n) {
    { heap.allocate(n, n) } noexcept -> std::same_as<std::byte*>;
    { heap.allocate_zeroed(n, n) } noexcept -> std::same_as<std::byte*>;
    { heap.reallocate(p, n, n, n, n) } noexcept -> std::same_as<std::byte*>;  // p, old size and alignment, new ones
    { heap.deallocate(p, n, n) } noexcept -> std::same_as<void>;
};

/// One that can also tell how many bytes of the block that it granted last may be used.
template <class H>
concept telling_heap = replay_heap<H> && requires(const H& heap, const std::byte* p) {
    { heap.last_granted(p) } noexcept -> std::same_as<std::uint64_t>;
};

/// Any allocator of ours. One that is timed does not tell. @pre the allocator outlives it
template <allocator A, bool Tells = false>
class allocator_heap {
public:
    explicit allocator_heap(A& inner) noexcept : inner_(inner) {}

    std::byte* allocate(std::uint64_t size, std::uint64_t align) noexcept {
        const auto asked = layout::make(size, align);
        return asked ? data(inner_.allocate(*asked)) : nullptr;
    }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t align) noexcept {
        const auto asked = layout::make(size, align);
        return asked ? data(ashlar::allocate_zeroed(inner_, *asked)) : nullptr;
    }
    std::byte* reallocate(std::byte* p, std::uint64_t old_size, std::uint64_t old_align, std::uint64_t size,
                          std::uint64_t align) noexcept {
        const auto old = layout::make(old_size, old_align);
        const auto asked = layout::make(size, align);
        if (!asked) return nullptr;
        return data(ashlar::reallocate(inner_, p, *old, *asked, old_size < size ? old_size : size));
    }
    void deallocate(std::byte* p, std::uint64_t size, std::uint64_t align) noexcept {
        inner_.deallocate(p, *layout::make(size, align));
    }
    std::uint64_t last_granted(const std::byte*) const noexcept
        requires Tells
    {
        return granted_;
    }

private:
    std::byte* data(const result<block>& granted) noexcept {
        if (!granted) return nullptr;
        if constexpr (Tells) granted_ = granted->size;
        return granted->data;
    }

    A& inner_;
    std::uint64_t granted_ = 0;
};

/// The malloc of this process: glibc's, or the one that was preloaded.
class malloc_heap {
public:
    std::byte* allocate(std::uint64_t size, std::uint64_t align) noexcept {
        if (align <= malloc_alignment(size)) return bytes(std::malloc(size));
        void* p = nullptr;
        return ::posix_memalign(&p, align, size) == 0 ? bytes(p) : nullptr;
    }
    std::byte* allocate_zeroed(std::uint64_t size, std::uint64_t) noexcept { return bytes(std::calloc(1, size)); }
    std::byte* reallocate(std::byte* p, std::uint64_t, std::uint64_t, std::uint64_t size, std::uint64_t) noexcept {
        return bytes(std::realloc(p, size));
    }
    void deallocate(std::byte* p, std::uint64_t, std::uint64_t) noexcept { std::free(p); }

private:
    static std::byte* bytes(void* p) noexcept { return static_cast<std::byte*>(p); }
};

/// Grants the same bytes to everyone: what is left is the time of the replay itself.
/// @pre the room is at least as large as the largest request and outlives it
class null_heap {
public:
    explicit null_heap(std::byte* room) noexcept : room_(room) {}

    std::byte* allocate(std::uint64_t, std::uint64_t) noexcept { return room_; }
    std::byte* allocate_zeroed(std::uint64_t, std::uint64_t) noexcept { return room_; }
    std::byte* reallocate(std::byte*, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) noexcept { return room_; }
    void deallocate(std::byte*, std::uint64_t, std::uint64_t) noexcept {}

private:
    std::byte* room_;
};

static_assert(replay_heap<malloc_heap> && replay_heap<null_heap>);

}  // namespace ashlar
