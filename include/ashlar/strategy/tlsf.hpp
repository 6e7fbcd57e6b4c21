// ashlar/strategy/tlsf.hpp - take a free block of the first class in which every block is long enough.
//
// Layer:      strategy
// Source:     Masmano, Ripoll, Crespo, Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004.
// Picture:    classes   16 32 48 ... 1008 | 1024 1056 1088 ... 2016 | 2048 2112 ... | ...   of free blocks, in bytes
//                       steps of 16         32 equal steps to each doubling
//             wanted    1030 bytes -> the class from 1056 on, or the next that is not empty: its first block
// Complexity: find, insert, erase O(1): no loop, and no block looked at but those taken, put and linked to them.
//             9.4 KiB for the classes. Instructions of free_list by callgrind, in strategy/README.md: 209 and 221.
// Failure:    finds nothing exactly when no free block is as long as searched_for(need, align), which is below
//             1/32 more than needed, and at an alignment above 16 that alignment more.
// Threads:    one at a time.
// Invariants: tlsf.I1  a free block is in the list of its class: the greatest class that begins at most at its size
// Checked by: tests/strategy/tlsf_test.cpp
//
// Two-level segregated fit. Which of two equal blocks it takes: the one freed last. Coalescing is immediate, by the
// skeleton (free_list.hpp), so allocate and deallocate are O(1) in all as long as no region is asked for or given back:
// to be sure of that, make the region beforehand as long as the worst case needs.
#pragma once

#include <cstddef>
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/strategy/free_bins.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take.
class tlsf {
    static constexpr std::size_t steps = 32;

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
        const std::size_t sought = searched_for(wanted.need, wanted.align);
        if (sought > free_block::most_size) [[unlikely]] return nullptr;
        const std::size_t found = free_.first_from(class_of(sought));
        return found < classes ? free_.head(found) : nullptr;
    }

    /// How many doublings above 512 bytes; the classes of those below are as close as those of the first.
    template <word W>
    static constexpr W doubling_of(W grains) noexcept { return highest_bit(grains | W(steps)) - W(5); }
    /// @pre size is a multiple of 16, not 0, and at most free_block::most_size
    /// @returns the class in whose list a free block of that size is
    template <word W = std::size_t>
    static constexpr W class_of(std::type_identity_t<W> size) noexcept {
        const W grains = size / W(free_block::grain), doubling = doubling_of(grains);
        return doubling * W(steps) + shr(grains, doubling);
    }
    /// @pre need is a multiple of 16, not 0; need and align are at most 2^63
    /// @returns the size from which on a free block is found for the request: where the next class begins
    template <word W = std::size_t>
    static constexpr W searched_for(std::type_identity_t<W> need, std::type_identity_t<W> align) noexcept {
        // A run aligned to more begins at most align - 16 bytes behind the block's first.
        const W longest = static_cast<bool>(align <= W(free_block::grain)) ? need : need + align - W(free_block::grain);
        const W grains = longest / W(free_block::grain), step = shl(W(1), doubling_of(grains));
        return align_up(grains, step) * W(free_block::grain);
    }

    /// @returns whether tlsf.I1 holds
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
    static constexpr std::size_t classes = 36 * steps;
    static_assert(steps == 1u << 5);

    free_bins<classes> free_;
};

static_assert(tlsf::class_of(free_block::most_size) < 36 * 32);

}  // namespace ashlar
