// ashlar/strategy/free_block.hpp - what a free block says of itself in its own bytes; a live block holds nothing.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5, algorithm C (the size at both ends).
// Picture:    [ next | size, high bits ][ previous | size, low bits ] ............ [ size | 0 ]
//             [ next | 0               ][ previous | 1              ]     a block of 16 bytes is this alone
// Complexity: every function O(1); nothing is stored for a live block.
// Failure:    none. Addresses have 48 bits and sizes 44: regions beyond them are not taken (free_list_region.hpp).
// Threads:    one at a time.
// Invariants: free_block.I1  addresses and sizes are multiples of 16
//             free_block.I2  the low 20 bits of its last word are 1 if the block is 16 bytes long, otherwise 0
// Checked by: tests/strategy/free_block_test.cpp
//
// A live block needs no header, because deallocation is always told the size. So 16 bytes are a block, and links and
// size must share two words: an address is a multiple of 16 below 2^48, so shifted up it leaves 20 bits in each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// A free block, or a node of a policy that begins with one. It is never copied: it is where it is.
class free_block {
public:
    static constexpr std::size_t grain = 16;
    static constexpr std::uintptr_t most_address = (std::uintptr_t{1} << 48) - 1;
    static constexpr std::size_t most_size = (std::size_t{1} << 44) - grain;

    /// In no list. @pre size is a multiple of 16, not 0, and at most most_size
    explicit free_block(std::size_t size) noexcept : next_(size / grain >> 20), previous_((size / grain) & low) {
        ASHLAR_INVARIANT(is_aligned(this, grain) && is_aligned(size, grain));  // free_block.I1
    }
    free_block(const free_block&) = delete;
    free_block& operator=(const free_block&) = delete;

    std::size_t size() const noexcept { return ((previous_ & low) | (next_ & low) << 20) * grain; }
    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    const std::byte* begin() const noexcept { return reinterpret_cast<const std::byte*>(this); }
    std::byte* end() noexcept { return begin() + size(); }

    /// Its neighbours in a list; null for none.
    free_block* next() const noexcept { return unpack(next_); }
    free_block* previous() const noexcept { return unpack(previous_); }
    void set_next(free_block* b) noexcept { next_ = pack(b) | (next_ & low); }
    void set_previous(free_block* b) noexcept { previous_ = pack(b) | (previous_ & low); }

    /// Repeats the size in the last word, unless that is one of the first two (free_block.I2).
    void write_end(std::size_t size) noexcept {
        if (size != grain) ::new (begin() + size - sizeof(std::uint64_t)) std::uint64_t(size / grain << 20);
    }
    /// @pre a free block ends at p
    /// @returns its size
    static std::size_t size_before(const std::byte* p) noexcept {
        const auto last = *std::launder(reinterpret_cast<const std::uint64_t*>(p - sizeof(std::uint64_t)));
        return (last & low) != 0 ? grain : (last >> 20) * grain;  // free_block.I2
    }

private:
    static constexpr std::uint64_t low = (std::uint64_t{1} << 20) - 1;
    static std::uint64_t pack(const free_block* b) noexcept { return reinterpret_cast<std::uint64_t>(b) << 16; }
    static free_block* unpack(std::uint64_t word) noexcept {
        return reinterpret_cast<free_block*>((word & ~low) >> 16);
    }

    std::uint64_t next_;
    std::uint64_t previous_;
};
static_assert(sizeof(free_block) == free_block::grain);

/// What is sought: a run of `need` bytes that begins at a multiple of `align`. Leftovers in front of it must be at
/// least `least` bytes, to stand as a free block.
struct fit_request {
    std::size_t need;
    std::size_t align;
    std::size_t least;

    bool is_aligned_anywhere() const noexcept { return align <= free_block::grain; }
    /// @pre begin is a multiple of the grain; least <= 3 grains
    /// @returns the bytes to leave in front of the run in a free block that begins there
    std::size_t gap(const std::byte* begin) const noexcept {
        const std::size_t nearest = padding_to(begin, align);
        return nearest == 0 || nearest >= least ? nearest : nearest + align;  // at least 16 + 32
    }
    bool fits(const free_block& b) const noexcept {
        const std::size_t in_front = gap(b.begin()), whole = b.size();
        return in_front <= whole && need <= whole - in_front;
    }
};

}  // namespace ashlar
