// ashlar/os/page_map.hpp - from any address to the word that is kept for its 64 KiB slice.
//
// Layer:      os
// Source:     two-level page tables; Evans, jemalloc's rtree.
// Picture:    address  [ 16 bits unused | 16 bits root | 16 bits leaf | 16 bits in the slice ]
//             root_[65,536] --> leaf[65,536] --> word of the slice, 0 for none
//             root_[i] == 0 --> the empty leaf, all zero and never written
// Complexity: find: two dependent loads, no branch. set: O(slices), and a leaf of 512 KiB of address space for
//             each 4 GiB in which anything is recorded; only its touched pages take memory.
// Failure:    set refuses when a leaf cannot be had; nothing is recorded then.
// Threads:    find from any thread at any time; set and clear one at a time (the caller's lock).
// Invariants: page_map.I1  find(p) == 0 for every address of which nothing is recorded, whatever its bits
//             page_map.I2  the empty leaf is never written
// Checked by: tests/os/page_map_test.cpp
//
// The only page map of Ashlar. The root lies in the object itself, so that a map in static storage has its
// root at an address known when linking. The root holds differences between addresses of leaves instead of
// pointers: zero-initialised memory then means "the empty leaf", and find needs no test.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar::os {

/// The unit of the page map.
inline constexpr std::size_t slice_size = 64 * 1024;

template <atomics_policy Atomics = std_atomics>
class page_map {
public:
    constexpr page_map() noexcept = default;
    page_map(const page_map&) = delete;
    page_map& operator=(const page_map&) = delete;

    /// @pre address < 2^48; others are read as their low 48 bits
    /// @returns the word recorded for the slice in which the address lies, 0 for none
    std::uintptr_t find(std::uintptr_t address) const noexcept {
        // relaxed: who holds a pointer into a slice got it after the word was recorded (malloc's own promise)
        const std::uintptr_t i = opaque((address >> 32) & 0xffff);
        const std::uintptr_t leaf = opaque(base() + root_[i].load(memory_order_relaxed));
        const std::uintptr_t j = opaque(static_cast<std::uint32_t>(address) >> 16);
        return reinterpret_cast<const word_of_slice*>(leaf)[j].load(memory_order_relaxed);
    }
    std::uintptr_t find(const void* p) const noexcept { return find(reinterpret_cast<std::uintptr_t>(p)); }

    /// Records `word` for `count` slices from the one that holds p. @returns false when a leaf was refused
    template <page_source Pages>
    bool set(Pages& pages, const void* p, std::size_t count, std::uintptr_t word) noexcept {
        const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(p) >> 16;
        for (std::uintptr_t i = first >> 16; i <= (first + count - 1) >> 16; ++i) {
            if (!have_leaf(pages, i)) return false;
        }
        store(first, count, word);
        return true;
    }
    /// Forgets `count` slices, all of them recorded before.
    void clear(const void* p, std::size_t count) noexcept {
        store(reinterpret_cast<std::uintptr_t>(p) >> 16, count, 0);
    }
    /// Gives every leaf back. For tests: nothing may be recorded any more.
    template <page_source Pages>
    void destroy(Pages& pages) noexcept {
        for (auto& difference : root_) {
            const std::uintptr_t distance = difference.exchange(0, memory_order_relaxed);
            if (distance != 0) pages.release(reinterpret_cast<std::byte*>(base() + distance), leaf_bytes);
        }
    }

private:
    using word_of_slice = typename Atomics::template atomic<std::uintptr_t>;
    static constexpr std::size_t leaf_words = 65536;
    static constexpr std::size_t leaf_bytes = leaf_words * sizeof(word_of_slice);

    /// The same value. Keeps the compiler from mixing the steps of find: each is one addressing mode then, and free
    /// is three instructions shorter (tests/malloc/program/fast_path.py counts them).
    static std::uintptr_t opaque(std::uintptr_t value) noexcept {
        __asm__("" : "+r"(value));
        return value;
    }
    std::uintptr_t base() const noexcept { return reinterpret_cast<std::uintptr_t>(empty_leaf_); }

    template <page_source Pages>
    bool have_leaf(Pages& pages, std::uintptr_t i) noexcept {
        if (i >= leaf_words) return false;  // beyond 48 bits
        if (root_[i].load(memory_order_relaxed) != 0) return true;
        const auto leaf = pages.reserve(leaf_bytes, pages.page_size());
        if (!leaf) return false;
        if (!pages.commit(leaf->data, leaf_bytes)) {
            pages.release(leaf->data, leaf_bytes);
            return false;
        }
        pages.advise(leaf->data, leaf_bytes, advice::no_huge_pages);  // a wish: sparse pages stay small
        root_[i].store(reinterpret_cast<std::uintptr_t>(leaf->data) - base(), memory_order_relaxed);
        return true;
    }
    void store(std::uintptr_t first, std::size_t count, std::uintptr_t word) noexcept {
        for (std::uintptr_t i = first; i != first + count; ++i) {
            const std::uintptr_t leaf = base() + root_[i >> 16].load(memory_order_relaxed);
            reinterpret_cast<word_of_slice*>(leaf)[i & 0xffff].store(word, memory_order_relaxed);
        }
    }

    word_of_slice root_[65536]{};
    word_of_slice empty_leaf_[leaf_words]{};
};

}  // namespace ashlar::os
