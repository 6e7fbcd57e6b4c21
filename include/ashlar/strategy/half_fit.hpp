// ashlar/strategy/half_fit.hpp - round to a power of two, and take a free block of the first list in which all are long enough.
//
// Layer:      strategy
// Source:     Ogasawara, "An algorithm with constant execution time for dynamic storage allocation", RTCSA 1995; Herter,
//             "Timing-predictable memory allocation in hard real-time systems", Saarland University, 2014 (powers of two).
// Picture:    lists     16 32 64 128 256 ...    a free block of 80 bytes is in the list from 64 on
//             wanted    100 bytes -> 128 -> the list from 128 on, or the next that is not empty: its first block
// Complexity: find, insert, erase O(1): no loop, one bit scan. 592 bytes for the lists. Counted instructions, on average
//             and at worst: docs/benchmarks/realtime.md.
// Failure:    finds nothing exactly when no free block is as long as searched_for(need, align): the power of two that
//             holds them, at alignments up to 16 no more than what is taken.
// Threads:    one at a time.
// Invariants: half_fit.I1  a free block is in the list of the greatest power of two that is at most its size
//             half_fit.I2  at alignments up to 16 every block taken is a power of two long
// Checked by: tests/strategy/half_fit_test.cpp, tests/realtime/worst_case_test.cpp
//
// What rounding wastes (up to half a block) buys a bound on fragmentation that grows with the logarithm of the largest
// request instead of the request itself (realtime/worst_case.hpp), and the smallest difference between a usual and the
// worst operation. tlsf uses memory better on average. Which of two blocks of a list it takes: the one freed last.
#pragma once

#include <cstddef>
#include <type_traits>

#include "ashlar/foundation/word.hpp"
#include "ashlar/strategy/free_bins.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take, and that requests are rounded up.
class half_fit {
public:
    using node = free_block;

    void insert(node& b, std::size_t size) noexcept { free_.push(class_of(size), b); }
    void erase(node& b, std::size_t size) noexcept { free_.remove(class_of(size), b); }
    void clear() noexcept { free_.clear(); }
    /// The search took b: nothing to remember.
    void taken(const node&) noexcept {}
    /// How much of a free block of that size is the policy's.
    static constexpr std::size_t node_size(std::size_t) noexcept { return sizeof(node); }

    node* find(const fit_request& wanted) const noexcept {
        const std::size_t longest = longest_for(wanted.need, wanted.align);
        if (longest > free_block::most_size) [[unlikely]] return nullptr;
        const std::size_t found = free_.first_from(class_of(bit_ceil(longest)));
        return found < lists ? free_.head(found) : nullptr;
    }

    /// @pre size is a multiple of 16, not 0, and at most 2^63
    /// @returns what a block of that size takes (half_fit.I2)
    static constexpr std::size_t rounded(std::size_t size) noexcept { return bit_ceil(size); }
    /// @pre size is a multiple of 16, not 0, and at most 2^44
    /// @returns the list in which a free block of that size is
    template <word W = std::size_t>
    static constexpr W class_of(std::type_identity_t<W> size) noexcept { return highest_bit(size / W(free_block::grain)); }
    /// @pre need is a multiple of 16, not 0; need and align are at most 2^44
    /// @returns the size from which on a free block is found for the request
    template <word W = std::size_t>
    static constexpr W searched_for(std::type_identity_t<W> need, std::type_identity_t<W> align) noexcept {
        return bit_ceil(longest_for(need, align));
    }

    /// @returns whether half_fit.I1 holds
    bool consistent() const noexcept {
        bool good = free_.consistent();
        free_.for_each([&](std::size_t in, const node& b) { good = good && class_of(b.size()) == in; });
        return good;
    }
    template <class Visit>
    void for_each(Visit visit) const {
        free_.for_each([&](std::size_t, node& b) { visit(b); });
    }

private:
    /// A run aligned to more begins at most align - 16 bytes behind the block's first.
    template <word W>
    static constexpr W longest_for(W need, W align) noexcept {
        return static_cast<bool>(align <= W(free_block::grain)) ? need : need + (align - W(free_block::grain));
    }
    static constexpr std::size_t lists = 64;

    free_bins<lists> free_;
};

static_assert(half_fit::class_of(std::size_t{1} << 44) < 64);

}  // namespace ashlar
