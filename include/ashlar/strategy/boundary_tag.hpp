// ashlar/strategy/boundary_tag.hpp - one word before every block, one more at the end of a free one.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5, algorithm C (boundary tags);
//             Lea, "A memory allocator", 1996 (no tag at the end of a live block).
// Picture:    used  [ tag | payload ....................... ][ next tag
//             free  [ tag | links | ............ | size     ][ next tag
//                     ^ 8 before a multiple of 16
// Complexity: every function O(1); 8 bytes a live block.
// Failure:    none.
// Threads:    one at a time.
// Invariants: boundary_tag.I1  size is a multiple of 16 and the next tag lies size bytes behind this one
//             boundary_tag.I2  previous_is_free() holds if and only if the block before is free
//             boundary_tag.I3  the last word of a free block is its size
// Checked by: tests/strategy/boundary_tag_test.cpp
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// A block seen from its tag. It is never copied: it is where it is.
class tagged_block {
public:
    static constexpr std::size_t grain = 16;
    static constexpr std::size_t tag_size = sizeof(std::size_t);
    // The flags, in the bits that a multiple of the grain leaves.
    static constexpr std::size_t free = 1;           ///< this block is free
    static constexpr std::size_t previous_free = 2;  ///< the block before this one is free
    static constexpr std::size_t first = 4;          ///< no block lies before this one
    static constexpr std::size_t flags = grain - 1;

    explicit tagged_block(std::size_t tag) noexcept : tag_(tag) {}
    tagged_block(const tagged_block&) = delete;
    tagged_block& operator=(const tagged_block&) = delete;

    /// @pre p is a payload
    static tagged_block& of(std::byte* p) noexcept { return *reinterpret_cast<tagged_block*>(p - tag_size); }

    std::size_t size() const noexcept { return tag_ & ~flags; }
    bool is_free() const noexcept { return (tag_ & free) != 0; }
    bool previous_is_free() const noexcept { return (tag_ & previous_free) != 0; }
    bool is_first() const noexcept { return (tag_ & first) != 0; }
    /// The end of a region: a tag without a block.
    bool is_end() const noexcept { return size() == 0; }
    /// Its tag as one word, also where a sanitizer forbids touching it: for checks of what the caller claims.
    __attribute__((no_sanitize("address"))) std::size_t claimed_tag() const noexcept { return tag_; }

    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    const std::byte* begin() const noexcept { return reinterpret_cast<const std::byte*>(this); }
    std::byte* payload() noexcept { return begin() + tag_size; }
    std::byte* end() noexcept { return begin() + size(); }
    /// @pre !is_end()
    tagged_block& next() noexcept { return *reinterpret_cast<tagged_block*>(end()); }
    /// @pre previous_is_free()
    tagged_block& previous() noexcept { return *reinterpret_cast<tagged_block*>(begin() - size_before()); }

    void set(std::size_t flag) noexcept { tag_ |= flag; }
    void clear(std::size_t flag) noexcept { tag_ &= ~flag; }
    /// Repeats the size in the block's last word (boundary_tag.I3).
    void write_end() noexcept { ::new (end() - tag_size) std::size_t(size()); }
    std::size_t read_end() noexcept { return *std::launder(reinterpret_cast<std::size_t*>(end() - tag_size)); }

private:
    std::size_t size_before() noexcept {
        return *std::launder(reinterpret_cast<std::size_t*>(begin() - tag_size));
    }
    std::size_t tag_;
};

/// What is sought: a run of `need` bytes, tag included, whose payload is a multiple of `align`. Leftovers in
/// front of it must be at least `least` bytes, to stand as a free block.
struct fit_request {
    std::size_t need;
    std::size_t align;
    std::size_t least;

    /// @pre payload is a multiple of the grain; least <= 3 grains
    /// @returns the bytes to leave in front of the run in a free block with that payload
    std::size_t gap(const std::byte* payload) const noexcept {
        const std::size_t nearest = padding_to(payload, align);
        return nearest == 0 || nearest >= least ? nearest : nearest + align;  // at least 16 + 32
    }
    bool fits(const tagged_block& b) const noexcept {
        const std::size_t in_front = gap(b.begin() + tagged_block::tag_size);
        return in_front <= b.size() && need <= b.size() - in_front;
    }
};

}  // namespace ashlar
