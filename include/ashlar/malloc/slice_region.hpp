// ashlar/malloc/slice_region.hpp - one reservation cut into slices, kept by bitmaps and a byte for each.
//
// Layer:      malloc
// Source:     Knuth, TAOCP vol. 1, 2.5 (first fit by address).
// Picture:    slices   | used | free | free | used | free .......... | not committed yet ... |
//             free_       0      1      1      0      1   1  1  1  1    1  1  1  1
//             touched_   16      3      0      5      1   0  0  0  0    (grains at the front that may not read as zero)
//             dirty_      0      1      0      0      1   0  0  0  0    (free, and touched)
//             old_        0      1      0      0      0                 (dirty at the last sweep already)
// Complexity: find O(words of the bitmap); take and give O(slices / 64).
// Failure:    find tells when no run fits; nothing changes.
// Threads:    one at a time (the caller's lock).
// Invariants: slice_region.I1  old_ is within dirty_ is within free_; dirty_ is where free_ is and touched_ is not 0
//             slice_region.I2  slices at or behind committed are free and not touched
//             slice_region.I3  a free slice reads as zero behind its touched grains
// Checked by: tests/malloc/slice_region_test.cpp
//
// Lowest address first: what is free gathers at the end, and what was committed is used again. Spans are cut from their
// front, so a count of grains tells how much of a slice has memory: most small programs touch little of each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/os/page_map.hpp"

namespace ashlar::malloc {

using os::slice_size;

/// What touched memory is counted in: a sixteenth of a slice, the smallest page.
inline constexpr std::size_t grain_size = slice_size / 16;

/// Bits 0..63 of which [from, to) are set; to may be 64.
constexpr std::uint64_t bits_between(std::size_t from, std::size_t to) noexcept {
    return (to == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << to) - 1) & ~((std::uint64_t{1} << from) - 1);
}

/// A view of an array of words as bits.
class bit_array {
public:
    constexpr bit_array() noexcept = default;
    explicit bit_array(std::uint64_t* words) noexcept : words_(words) {}
    static constexpr std::size_t words_for(std::size_t bits) noexcept { return (bits + 63) / 64; }

    bool test(std::size_t i) const noexcept { return (words_[i / 64] >> (i % 64) & 1) != 0; }
    void fill(std::size_t first, std::size_t count, bool value) noexcept {
        for_words(first, count, [&](std::uint64_t& word, std::uint64_t bits) {
            word = value ? word | bits : word & ~bits;
        });
    }
    std::size_t count(std::size_t first, std::size_t number) const noexcept {
        std::size_t sum = 0;
        for_words(first, number, [&](std::uint64_t& word, std::uint64_t bits) {
            sum += static_cast<std::size_t>(std::popcount(word & bits));
        });
        return sum;
    }
    /// @returns one more than the last bit of that value in [0, end), or 0
    std::size_t end_of_last(bool value, std::size_t end) const noexcept {
        while (end != 0) {
            const std::size_t at = (end - 1) / 64, unused = 63 - (end - 1) % 64;
            const std::uint64_t word = (value ? words_[at] : ~words_[at]) << unused;
            if (word != 0) return end - static_cast<std::size_t>(std::countl_zero(word));
            end = at * 64;
        }
        return 0;
    }
    /// @returns the first bit of that value in [from, end), or end
    std::size_t next(bool value, std::size_t from, std::size_t end) const noexcept {
        while (from < end) {
            const std::uint64_t word = (value ? words_[from / 64] : ~words_[from / 64]) >> (from % 64);
            if (word != 0) {
                const std::size_t at = from + static_cast<std::size_t>(std::countr_zero(word));
                return at < end ? at : end;
            }
            from = (from / 64 + 1) * 64;
        }
        return end;
    }

private:
    template <class F>
    void for_words(std::size_t first, std::size_t count, F f) const noexcept {
        for (const std::size_t end = first + count; first < end;) {
            const std::size_t stop = end < (first / 64 + 1) * 64 ? end : (first / 64 + 1) * 64;
            f(words_[first / 64], bits_between(first % 64, (stop - 1) % 64 + 1));
            first = stop;
        }
    }
    std::uint64_t* words_ = nullptr;
};

class slice_region {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    /// Bytes of the tables for so many slices.
    static constexpr std::size_t table_bytes(std::size_t slices) noexcept {
        return 3 * bit_array::words_for(slices) * sizeof(std::uint64_t) + slices;
    }

    /// @pre tables: table_bytes(slices) bytes, zero
    slice_region(std::byte* base, std::size_t slices, std::uint64_t* tables) noexcept
        : base_(base), slices_(slices), capacity_(slices), free_count_(slices), free_(tables),
          dirty_(tables + bit_array::words_for(slices)), old_(tables + 2 * bit_array::words_for(slices)),
          touched_(reinterpret_cast<std::uint8_t*>(tables + 3 * bit_array::words_for(slices))) {
        free_.fill(0, slices, true);
    }

    /// @returns the first of `count` free slices at the lowest address that is a multiple of align; none if none
    std::size_t find(std::size_t count, std::size_t align) const noexcept {
        if (count > free_count_) return none;
        for (std::size_t at = lowest_free_; at < slices_;) {
            at = aligned(free_.next(true, at, slices_), align);
            if (at >= slices_ || count > slices_ - at) return none;
            const std::size_t end = free_.next(false, at, at + count);
            if (end == at + count) return at;
            at = end;
        }
        return none;
    }
    /// @returns a free slice whose memory is resident already; none if none
    std::size_t find_dirty() const noexcept {
        if (dirty_grains_ == 0) return none;
        const std::size_t at = dirty_.next(true, 0, slices_);
        return at < slices_ ? at : none;
    }
    bool is_free(std::size_t first, std::size_t count) const noexcept {
        return first + count <= slices_ && free_.next(false, first, first + count) == first + count;
    }

    /// Makes free slices used. @returns the bytes of them that are touched
    std::size_t take(std::size_t first, std::size_t count) noexcept {
        ASHLAR_INVARIANT(is_free(first, count));
        std::size_t grains = 0;
        if (dirty_grains_ != 0) {
            for (std::size_t i = first; i < first + count; ++i) grains += touched_[i];
        }
        free_.fill(first, count, false);
        if (grains != 0) {
            dirty_.fill(first, count, false);
            old_.fill(first, count, false);
        }
        free_count_ -= count;
        dirty_grains_ -= grains;
        if (first == lowest_free_) lowest_free_ = first + count;
        return grains * grain_size;
    }
    /// Makes used slices free, of which `written` bytes from the front were written to. @returns the bytes of them
    /// that are touched, by this user or by one before
    std::size_t give(std::size_t first, std::size_t count, std::size_t written) noexcept {
        ASHLAR_INVARIANT(free_.next(true, first, first + count) == first + count);
        free_.fill(first, count, true);
        free_count_ += count;
        std::size_t grains = 0;
        for (std::size_t i = first; i < first + count; ++i) {
            const std::size_t here = written < slice_size ? (written + grain_size - 1) / grain_size : 16;
            if (touched_[i] < here) touched_[i] = static_cast<std::uint8_t>(here);
            if (touched_[i] != 0) dirty_.fill(i, 1, true);
            grains += touched_[i];
            written -= written < slice_size ? written : slice_size;
        }
        dirty_grains_ += grains;
        if (first < lowest_free_) lowest_free_ = first;
        return grains * grain_size;
    }
    /// Used slices read as zero from now on: the system took their memory.
    void forget(std::size_t first, std::size_t count) noexcept {
        for (std::size_t i = first; i < first + count; ++i) touched_[i] = 0;
    }

    /// The same behind the first `bytes`, which are at most a slice.
    void forget_behind(std::size_t first, std::size_t count, std::size_t bytes) noexcept {
        const auto grains = static_cast<std::uint8_t>(bytes / grain_size);
        if (touched_[first] > grains) touched_[first] = grains;
        forget(first + 1, count - 1);
    }

    bool has_dirty(bool only_old) const noexcept {
        return dirty_grains_ != 0 && (!only_old || old_.next(true, 0, slices_) < slices_);
    }
    /// The last run of dirty slices, only old ones if asked, which is taken: find takes the first ones, so these are the
    /// least likely to be needed soon. @returns its length, 0 for none
    std::size_t take_dirty(bool only_old, std::size_t most, std::size_t& first, std::size_t& touched) noexcept {
        if (dirty_grains_ == 0) return 0;
        const bit_array& which = only_old ? old_ : dirty_;
        const std::size_t end = which.end_of_last(true, slices_);
        if (end == 0) return 0;
        first = which.end_of_last(false, end);
        if (end - first > most) first = end - most;
        touched = take(first, end - first);
        return end - first;
    }
    /// From now on, everything that is dirty is old.
    void age() noexcept {
        if (dirty_grains_ == 0) return;
        for (std::size_t at = dirty_.next(true, 0, slices_); at < slices_;) {
            const std::size_t end = dirty_.next(false, at, slices_);
            old_.fill(at, end - at, true);
            at = dirty_.next(true, end, slices_);
        }
    }

    /// How many slices at the end are free.
    std::size_t free_end() const noexcept { return slices_ - free_.end_of_last(false, slices_); }
    /// The last `count` slices are no part of the region any more. @pre count <= free_end()
    /// @returns the bytes of them that were touched
    std::size_t cut(std::size_t count) noexcept {
        const std::size_t end = slices_ - count;
        const std::size_t touched = take(end, count);
        forget(end, count);
        slices_ = end;
        if (committed > end) committed = end;
        if (lowest_free_ > end) lowest_free_ = end;
        return touched;
    }
    /// The region begins anew with that reservation. @pre slices() == 0 and slices <= capacity()
    void begin_again(std::byte* base, std::size_t slices) noexcept {
        base_ = base;
        slices_ = free_count_ = slices;
        committed = lowest_free_ = 0;
        free_.fill(0, slices, true);
        next = nullptr;
    }

    std::byte* base() const noexcept { return base_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t slices() const noexcept { return slices_; }
    std::size_t free_count() const noexcept { return free_count_; }
    std::size_t dirty_bytes() const noexcept { return dirty_grains_ * grain_size; }
    bool contains(const std::byte* p) const noexcept {
        return p >= base_ && static_cast<std::size_t>(p - base_) < slices_ * slice_size;
    }
    std::size_t index_of(const std::byte* p) const noexcept {
        return static_cast<std::size_t>(p - base_) / slice_size;
    }
    std::byte* address_of(std::size_t i) const noexcept { return base_ + i * slice_size; }

    std::size_t committed = 0;     ///< slices from the start that may be touched
    slice_region* next = nullptr;  ///< in the provider's list

private:
    std::size_t aligned(std::size_t i, std::size_t align) const noexcept {
        if (align <= slice_size) return i;
        return i + padding_to(address_of(i), align) / slice_size;
    }

    std::byte* base_;
    std::size_t slices_;
    std::size_t capacity_;  ///< slices that the tables have room for
    std::size_t free_count_;
    std::size_t dirty_grains_ = 0;  ///< touched ones in free slices
    std::size_t lowest_free_ = 0;  ///< no slice below it is free
    bit_array free_, dirty_, old_;
    std::uint8_t* touched_;  ///< grains at the front of each slice, used or free
};

}  // namespace ashlar::malloc
