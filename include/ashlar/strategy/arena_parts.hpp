// ashlar/strategy/arena_parts.hpp - what an arena takes from its upstream: chunks, and blocks too long for a chunk.
//
// Layer:      strategy
// Picture:    chunk     [ header | block | block | free ]
//             oversize  [ padding | header | block ]      or, aligned to more than a page,  [ block | header ]
// Complexity: every operation O(1).
// Failure:    a layout that would pass the limits of layout is refused.
// Threads:    one at a time.
// Invariants: arena_parts.I1  a chunk's blocks lie behind its header and before its end
//             arena_parts.I2  an oversize block's header ends where the block begins, or begins where the block ends
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

/// The header of a block that has an upstream block of its own. It stands before the block, where its padding costs a page
/// at most; behind the block where the alignment would cost more.
class alignas(16) arena_oversize : public list_links {
public:
    /// What to ask the upstream for, that a block of that layout and a header may stand in it.
    static result<layout> asked(layout l) noexcept {
        const std::size_t before = offset(l.align()), behind = before == 0 ? sizeof(arena_oversize) : 0;
        if (l.size() > layout::max_size - 15 - before - behind) return alloc_error{};
        return layout::make(before + rounded(l.size()) + behind, alignment(l.align()));
    }
    /// @pre place was granted for asked(l) @returns the header; begin() of it is the block
    static arena_oversize& build(block place, layout l, const void* owner, std::size_t serial) noexcept {
        const std::size_t before = offset(l.align());
        auto* const header = place.data + (before == 0 ? rounded(l.size()) : before - sizeof(arena_oversize));
        return *::new (header) arena_oversize(place, l, owner, serial);  // arena_parts.I2
    }
    /// @pre l fits the block p
    static arena_oversize& of(std::byte* p, layout l) noexcept {
        const bool behind = offset(l.align()) == 0;
        return *reinterpret_cast<arena_oversize*>(behind ? p + rounded(l.size()) : p - sizeof(arena_oversize));
    }

    std::byte* begin() const noexcept { return place_.data + offset(align_); }
    /// Bytes of the block.
    std::size_t capacity() const noexcept {
        return offset(align_) != 0 ? place_.size - offset(align_)
                                   : static_cast<std::size_t>(reinterpret_cast<const std::byte*>(this) - place_.data);
    }
    bool contains(const std::byte* p) const noexcept { return p >= begin() && p < begin() + capacity(); }
    /// What the upstream granted, and a layout that fits it.
    block place() const noexcept { return place_; }
    layout fitting() const noexcept { return *layout::make(place_.size, alignment(align_)); }
    /// Whether the block can end elsewhere: a header behind it is in the way.
    bool can_resize() const noexcept { return offset(align_) != 0; }
    void resize(std::size_t size) noexcept { place_.size = size; }
    /// The header of what now is in another place, bytes and all. @pre can_resize() was true
    static arena_oversize& in(block place, std::size_t align) noexcept {
        auto& moved = *std::launder(reinterpret_cast<arena_oversize*>(place.data + offset(align) - sizeof(arena_oversize)));
        moved.place_ = place;
        return moved;
    }
    /// From the beginning of its place to its own. @pre can_resize()
    std::size_t in_front() const noexcept { return offset(align_); }
    const void* owner() const noexcept { return owner_; }
    std::size_t serial() const noexcept { return serial_; }

private:
    arena_oversize(block place, layout l, const void* owner, std::size_t serial) noexcept
        : place_(place), align_(l.align()), owner_(owner), serial_(serial) {}

    static std::size_t rounded(std::size_t size) noexcept { return align_up(size, std::size_t{16}); }
    static std::size_t alignment(std::size_t align) noexcept { return align > 16 ? align : 16; }
    static std::size_t offset(std::size_t align) noexcept {  // of the block; 0: the header is behind
        return align > 4096 ? 0 : align_up(sizeof(arena_oversize), alignment(align));
    }

    block place_;
    std::size_t align_;
    const void* owner_;
    std::size_t serial_;
};

}  // namespace ashlar
