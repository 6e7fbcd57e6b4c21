// ashlar/strategy/free_bins.hpp - free blocks in numbered lists, and two levels of bits that find the next one in use.
//
// Layer:      strategy
// Source:     Masmano, Ripoll, Crespo, Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004
//             (two levels of bits); Lea, "A memory allocator", 1996 (a bin for each small size).
// Picture:    words      0 1 0 1         one bit a word of the level below
//             lists      | 0110... | | 1000... |       one bit a list
//             first      | . b b . | | b . . . |   ->  free block -> free block
// Complexity: push, remove, first_from O(1): no loop. 8 bytes and a bit a list.
// Failure:    none.
// Threads:    one at a time.
// Invariants: free_bins.I1  a bit is set if and only if its list, or its word, is not empty
// Checked by: tests/strategy/free_bins_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/bit_scan.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// Lists are last in, first out: what was freed last is the likeliest to be in the cache.
template <std::size_t Count>
class free_bins {
    static_assert(Count % 64 == 0 && Count <= 64 * 64);

public:
    void push(std::size_t bin, free_block& b) noexcept {
        free_block* const head = heads_[bin].get();
        b.previous.set(nullptr);
        b.next.set(head);
        heads_[bin].set(&b);
        (head != nullptr ? head : &nobody_)->previous.set(&b);
        lists_[bin / 64] |= bit(bin);
        words_ |= bit(bin / 64);
    }
    /// @pre b is in that list
    void remove(std::size_t bin, free_block& b) noexcept {
        free_block* const next = b.next.get();
        free_block* const previous = b.previous.get();
        (next != nullptr ? next : &nobody_)->previous.set(previous);
        (previous != nullptr ? previous->next : heads_[bin]).set(next);
        // How long a list is cannot be foreseen, so a branch on it would be taken wrongly again and again.
        const std::uint64_t was_alone = (next == nullptr) & (previous == nullptr);
        lists_[bin / 64] &= ~(was_alone << bin % 64);
        if (lists_[bin / 64] == 0) words_ &= ~bit(bin / 64);
    }
    /// @returns the first list from `bin` on that is not empty; Count if there is none
    std::size_t first_from(std::size_t bin) const noexcept {
        return first_set_from(bin, words_, [this](std::size_t word) noexcept { return lists_[word]; }, Count);
    }
    /// @pre bin < Count
    free_block* head(std::size_t bin) const noexcept { return heads_[bin].get(); }

    /// Forgets every block without touching it.
    void clear() noexcept {
        words_ = 0;
        for (auto& word : lists_) word = 0;
        for (auto& head : heads_) head.set(nullptr);
    }
    /// Calls visit(bin, block) for each.
    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t bin = 0; bin < Count; ++bin) {
            for (free_block* b = head(bin); b != nullptr; b = b->next.get()) visit(bin, *b);
        }
    }
    bool consistent() const noexcept {
        bool good = true;
        for (std::size_t bin = 0; bin < Count; ++bin) {  // free_bins.I1
            good = good && ((lists_[bin / 64] & bit(bin)) != 0) == (head(bin) != nullptr);
            good = good && ((words_ & bit(bin / 64)) != 0) == (lists_[bin / 64] != 0);
            const free_block* last = nullptr;
            for (const free_block* b = head(bin); b != nullptr && good; b = b->next.get()) {
                good = b->previous.get() == last;
                last = b;
            }
        }
        return good;
    }

private:
    static std::uint64_t bit(std::size_t n) noexcept { return std::uint64_t{1} << n % 64; }

    std::uint64_t words_ = 0;
    std::uint64_t lists_[Count / 64] = {};
    free_link heads_[Count] = {};
    alignas(free_block::grain) free_block nobody_{free_block::grain};  ///< where a link to no block is written
};

}  // namespace ashlar
