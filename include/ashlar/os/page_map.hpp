// ashlar/os/page_map.hpp - from any address to the record that is kept for its 64 KiB slice.
//
// Layer:      os
// Source:     two-level page tables; Evans, jemalloc's rtree.
// Picture:    address  [ 16 bits unused | 16 bits root | 16 bits leaf | 16 bits in the slice ]
//             root_[65,536] --> leaf[65,536] --> record of the slice
//             root_[i] == 0 --> the empty leaf, all zero and never written
//             leaf: [ none: a record of zeros | a word for each slice: how far its record is from `none` ]
// Complexity: find: two dependent loads, no branch. set: O(slices), and a leaf of 512 KiB of address space for
//             each 4 GiB in which anything is recorded; only its touched pages take memory.
// Failure:    set refuses when a leaf cannot be had; nothing is recorded then.
// Threads:    find from any thread at any time; set and clear one at a time (the caller's lock).
// Invariants: page_map.I1  find(p) is a record of zeros for every address of which nothing is recorded, whatever its bits
//             page_map.I2  the empty leaf is never written
// Checked by: tests/os/page_map_test.cpp
//
// The only page map of Ashlar. The root lies in the object itself, so that a map in static storage has its
// root at an address known when linking. Root and leaves hold differences between addresses instead of pointers:
// zero-initialised memory then means "the empty leaf" and "no record", and find needs no test. Each leaf has a record
// of zeros of its own, so that find forgets the root as soon as it has the leaf: one addition less.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/word.hpp"
#include "ashlar/os/page_source.hpp"

namespace ashlar::os {

/// The unit of the page map.
inline constexpr std::size_t slice_size = 64 * 1024;

/// Of the slices that have a number below 2^32, and of others by the low 32 bits of theirs: where in the root their leaf is,
/// and where in the leaf they are.
template <word W>
constexpr W root_index(W slice) noexcept { return next16(slice); }
template <word W>
constexpr W leaf_index(W slice) noexcept { return low16(slice); }

/// Record: zero-initialised memory is one that says "nothing is recorded".
template <class Record, atomics_policy Atomics = std_atomics>
    requires std::is_trivially_destructible_v<Record>
class page_map {
public:
    constexpr page_map() noexcept = default;
    page_map(const page_map&) = delete;
    page_map& operator=(const page_map&) = delete;

    /// @pre address < 2^48; others are read as their low 48 bits
    /// @returns the record of the slice in which the address lies; one of zeros for none
    Record* find(std::uintptr_t address) noexcept {
        // relaxed: who holds a pointer into a slice got it after the word was recorded (malloc's own promise)
        const std::uintptr_t slice = opaque(address >> 16);
        const std::uintptr_t j = opaque(leaf_index(slice));
        const std::uintptr_t i = root_index(slice);
        const std::uintptr_t empty = opaque(base());
        const auto* root = reinterpret_cast<const word_of_slice*>(empty - (base() - reinterpret_cast<std::uintptr_t>(root_)));
        const std::uintptr_t of = sum_with(root[i], empty);
        return reinterpret_cast<Record*>(sum_with(reinterpret_cast<leaf*>(of)->words[j], of));
    }
    Record* find(const void* p) noexcept { return find(reinterpret_cast<std::uintptr_t>(p)); }
    /// What find gives for an address of which nothing is recorded.
    Record* none() noexcept { return &empty_.none; }

    /// Records `r` for `count` slices from the one that holds p. @returns false when a leaf was refused
    template <page_source Pages>
    bool set(Pages& pages, const void* p, std::size_t count, const Record* r) noexcept {
        const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(p) >> 16;
        for (std::uintptr_t i = first >> 16; i <= (first + count - 1) >> 16; ++i) {
            if (!have_leaf(pages, i)) return false;
        }
        for (std::uintptr_t i = first; i != first + count; ++i) {
            leaf& of = leaf_of(i);
            const auto distance = reinterpret_cast<std::uintptr_t>(r) - reinterpret_cast<std::uintptr_t>(&of);
            of.words[i & 0xffff].store(distance, memory_order_relaxed);
        }
        return true;
    }
    /// Forgets `count` slices, all of them recorded before.
    void clear(const void* p, std::size_t count) noexcept {
        const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(p) >> 16;
        for (std::uintptr_t i = first; i != first + count; ++i) {
            leaf_of(i).words[i & 0xffff].store(0, memory_order_relaxed);
        }
    }
    /// Gives every leaf back. For tests: nothing may be recorded any more.
    template <page_source Pages>
    void destroy(Pages& pages) noexcept {
        for (auto& difference : root_) {
            const std::uintptr_t distance = difference.exchange(0, memory_order_relaxed);
            if (distance != 0) pages.release(reinterpret_cast<std::byte*>(base() + distance), leaf_bytes(pages));
        }
    }

private:
    using word_of_slice = typename Atomics::template atomic<std::uintptr_t>;
    static constexpr std::size_t leaf_words = 65536;
    struct leaf {
        Record none{};  // first: a word of 0 then leads to it, and what find returns is used without an offset
        word_of_slice words[leaf_words]{};
    };
    template <page_source Pages>
    static std::size_t leaf_bytes(Pages& pages) noexcept {
        return align_up(sizeof(leaf), pages.page_size());
    }

    /// The same value. Keeps the compiler from mixing the steps of find: each is one addressing mode then, and free
    /// is three instructions shorter (tests/malloc/program/fast_path.py counts them).
    static std::uintptr_t opaque(std::uintptr_t value) noexcept {
        __asm__("" : "+r"(value));
        return value;
    }
    std::uintptr_t base() const noexcept { return reinterpret_cast<std::uintptr_t>(&empty_); }
    leaf& leaf_of(std::uintptr_t slice) noexcept {
        return *reinterpret_cast<leaf*>(base() + root_[slice >> 16].load(memory_order_relaxed));
    }

    template <page_source Pages>
    bool have_leaf(Pages& pages, std::uintptr_t i) noexcept {
        if (i >= leaf_words) return false;  // beyond 48 bits
        if (root_[i].load(memory_order_relaxed) != 0) return true;
        const std::size_t size = leaf_bytes(pages);
        const auto memory = pages.reserve(size, pages.page_size());
        if (!memory) return false;
        if (!pages.commit(memory->data, size)) {
            pages.release(memory->data, size);
            return false;
        }
        pages.advise(memory->data, size, advice::no_huge_pages);  // a wish: sparse pages stay small
        root_[i].store(reinterpret_cast<std::uintptr_t>(memory->data) - base(), memory_order_relaxed);
        return true;
    }

    word_of_slice root_[65536]{};
    leaf empty_{};
};

}  // namespace ashlar::os
