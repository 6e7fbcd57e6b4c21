// ashlar/strategy/arena_parts.hpp - what an arena takes from its upstream: chunks, and blocks too long for a chunk.
//
// Layer:      strategy
// Picture:    chunk     [ header | block | block | free ]
//             oversize  [ padding | header | block ]
// Complexity: every operation O(1).
// Failure:    a layout that would pass the limits of layout is refused.
// Threads:    one at a time.
// Invariants: arena_parts.I1  a chunk's blocks lie behind its header and before its end
//             arena_parts.I2  an oversize block's header ends where the block begins
// Checked by: tests/strategy/arena_parts_test.cpp
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/poison.hpp"

namespace ashlar {

class alignas(16) arena_chunk {
public:
    /// @pre place.data is a multiple of 16; place.size > sizeof(arena_chunk)
    static arena_chunk& build(block place, bool borrowed) noexcept {
        auto* const made = ::new (place.data) arena_chunk(place.size, borrowed);
        poison(made->range().data, made->range().size);
        return *made;
    }
    /// Ends it. @returns its bytes
    block dissolve() noexcept {
        const block whole{reinterpret_cast<std::byte*>(this), size_};
        unpoison(whole.data, whole.size);
        return whole;
    }

    /// Where blocks can be (arena_parts.I1).
    block range() noexcept { return {reinterpret_cast<std::byte*>(this + 1), size_ - sizeof(arena_chunk)}; }
    bool contains(const std::byte* p) const noexcept {
        return p >= reinterpret_cast<const std::byte*>(this + 1) && p < reinterpret_cast<const std::byte*>(this) + size_;
    }
    std::size_t size() const noexcept { return size_; }
    bool is_borrowed() const noexcept { return borrowed_; }  ///< the caller's: it is never given back

    arena_chunk* older = nullptr;   ///< the chunk that was filled before it
    std::byte* stopped = nullptr;  ///< where its cursor stood when the next was opened

private:
    arena_chunk(std::size_t size, bool borrowed) noexcept : size_(size), borrowed_(borrowed) {}

    std::size_t size_;
    bool borrowed_;
};

/// The header of a block that has an upstream block of its own.
class alignas(16) arena_oversize : public list_links {
public:
    /// What to ask the upstream for, that a block of that layout may stand behind a header.
    static result<layout> asked(layout l) noexcept {
        const std::size_t before = offset(l.align());
        if (l.size() > layout::max_size - before) return alloc_error{};
        return layout::make(before + l.size(), alignment(l.align()));
    }
    /// @pre place was granted for asked(l) @returns the header; begin() of it is the block
    static arena_oversize& build(block place, layout l, const void* owner, std::size_t serial) noexcept {
        auto* const header = place.data + offset(l.align()) - sizeof(arena_oversize);  // arena_parts.I2
        return *::new (header) arena_oversize(place.size, l, owner, serial);
    }
    static arena_oversize& of(std::byte* p) noexcept { return *(reinterpret_cast<arena_oversize*>(p) - 1); }

    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
    /// What the upstream granted, and a layout that fits it.
    block place() noexcept { return {begin() - offset(align_), size_}; }
    layout fitting() const noexcept { return *layout::make(size_, alignment(align_)); }
    std::size_t capacity() const noexcept { return size_ - offset(align_); }
    void resize(std::size_t size) noexcept { size_ = size; }
    const void* owner() const noexcept { return owner_; }
    std::size_t serial() const noexcept { return serial_; }

private:
    arena_oversize(std::size_t size, layout l, const void* owner, std::size_t serial) noexcept
        : size_(size), align_(l.align()), owner_(owner), serial_(serial) {}

    static std::size_t alignment(std::size_t align) noexcept { return align > 16 ? align : 16; }
    static std::size_t offset(std::size_t align) noexcept { return align_up(sizeof(arena_oversize), alignment(align)); }

    std::size_t size_;
    std::size_t align_;
    const void* owner_;
    std::size_t serial_;
};

}  // namespace ashlar
