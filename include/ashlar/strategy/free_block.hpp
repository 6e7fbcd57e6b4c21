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
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

class free_block;

/// A link to a free block in the upper 44 bits of a word; the lower 20 are its owner's.
class free_link {
public:
    static constexpr std::uint64_t low = (std::uint64_t{1} << 20) - 1;

    free_link() noexcept = default;
    explicit free_link(std::uint64_t low_bits) noexcept : word_(low_bits) {}
    free_block* get() const noexcept { return reinterpret_cast<free_block*>((word_ & ~low) >> 16); }
    void set(const free_block* b) noexcept { word_ = reinterpret_cast<std::uint64_t>(b) << 16 | (word_ & low); }
    std::uint64_t low_bits() const noexcept { return word_ & low; }

private:
    std::uint64_t word_ = 0;
};

/// A free block, or a node of a policy that begins with one. It is never copied: it is where it is.
class free_block {
public:
    static constexpr std::size_t grain = 16;
    static constexpr std::uintptr_t most_address = (std::uintptr_t{1} << 48) - 1;
    static constexpr std::size_t most_size = (std::size_t{1} << 44) - grain;

    /// In no list. @pre size is a multiple of 16, not 0, and at most most_size
    explicit free_block(std::size_t size) noexcept : next(size / grain >> 20), previous((size / grain) & free_link::low) {
        ASHLAR_INVARIANT(is_aligned(this, grain) && is_aligned(size, grain));  // free_block.I1
    }
    free_block(const free_block&) = delete;
    free_block& operator=(const free_block&) = delete;

    std::size_t size() const noexcept { return (previous.low_bits() | next.low_bits() << 20) * grain; }
    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    const std::byte* begin() const noexcept { return reinterpret_cast<const std::byte*>(this); }
    std::byte* end() noexcept { return begin() + size(); }

    /// Repeats the size in the last word of a free block at p, unless that is one of the first two (free_block.I2).
    static void write_end(std::byte* p, std::size_t size) noexcept {
        if (size != grain) ::new (p + size - sizeof(std::uint64_t)) std::uint64_t(size / grain << 20);
    }
    /// @pre a free block ends at p
    /// @returns its size
    static std::size_t size_before(const std::byte* p) noexcept {
        const auto last = *std::launder(reinterpret_cast<const std::uint64_t*>(p - sizeof(std::uint64_t)));
        return (last & free_link::low) != 0 ? grain : (last >> 20) * grain;  // free_block.I2
    }

    free_link next;      ///< its neighbours in a list; null for none
    free_link previous;
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
        return gap_at(reinterpret_cast<std::uintptr_t>(begin), align, least);
    }
    template <word W = std::size_t>
    static constexpr W gap_at(std::type_identity_t<W> begin, std::type_identity_t<W> align, std::type_identity_t<W> least) noexcept {
        const W nearest = padding_to(begin, align);
        const bool stands = static_cast<bool>(nearest == W(0)) || static_cast<bool>(least <= nearest);
        return stands ? nearest : nearest + align;  // at least 16 + 32
    }
    bool fits(const free_block& b) const noexcept {
        const std::size_t in_front = gap(b.begin()), whole = b.size();
        return in_front <= whole && need <= whole - in_front;
    }
};

}  // namespace ashlar
