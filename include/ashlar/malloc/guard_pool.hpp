// ashlar/malloc/guard_pool.hpp - a few blocks, each in pages of its own between pages that nobody may touch.
//
// Layer:      malloc
// Source:     GWP-ASan (Serebryany et al., "GWP-ASan: Sampling-Based Detection of Memory-Safety Bugs in Production",
//             ICSE-SEIP 2024); Perens, Electric Fence, 1987.
// Picture:    a slot, one slice:  [ no access | block .. margin | no access ............ ]   at the front of its pages
//                                 [ no access | margin .. block | no access ............ ]   or at their end, by chance
//             freed: no access at all, until all other free slots were used again
// Complexity: take and give: O(1), a system call each, and a page to clear. slot_of: O(1), without a lock.
// Failure:    take refuses with null: no slot is free, or the system refuses. Pages that cannot be taken away are
//             cleared before they are used again.
// Threads:    one at a time (the caller's lock), but for slot_of, which reads what is never changed.
// Invariants: guard_pool.I1  the pages of a block that is not live are inaccessible, as far as the system lets them
//             guard_pool.I2  free slots are used again in the order in which they became free, new slots before them
// Checked by: tests/malloc/guard_pool_test.cpp, tests/malloc/program/guarded.py
#pragma once

#include <atomic>
#include <cstring>
#include <utility>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/page_map.hpp"

namespace ashlar::malloc {

/// What the process notes of the calls that led to a block's grant or end. The pool only keeps it.
struct call_note {
    static constexpr std::size_t room = 2016;
    std::uint32_t thread;
    std::uint32_t size;  ///< bytes in use
    alignas(8) std::byte bytes[room];
};

/// Whom the store tells of such blocks. The process notes its calls; a test does what it likes.
struct guard_watcher {
    void (*note)(call_note& to) noexcept;  ///< to be filled; the store's lock is held
    void (*first)() noexcept;              ///< once, before the first block; no lock is held
};

enum class guard_state : std::uint8_t { unused, live, freed };

struct alignas(64) guard_slot {
    std::byte* start;  ///< of the block
    std::size_t size;
    std::byte* pages;  ///< that are accessible while it lives
    std::size_t page_bytes;
    void* record;  ///< the caller's
    std::uint32_t next;
    guard_state state;
    bool kept_pages;  ///< they could not be taken away: not zero, and accessible
    call_note granted;
    call_note freed;
};
static_assert(sizeof(guard_slot) == 4096);

template <os::page_source Pages>
class guard_pool {
public:
    static constexpr std::size_t slot_bytes = os::slice_size;
    static constexpr std::size_t most_slots = 4096;
    static constexpr std::size_t margin = 64;  ///< bytes on either side of a block that are looked at when it ends

    /// The largest block; 0 where pages are too large for this.
    static std::size_t largest(Pages& pages) noexcept {
        const std::size_t page = pages.page_size();
        return page > slot_bytes / 4 ? 0 : slot_bytes - 2 * page;
    }
    /// Takes the address space. @pre not prepared before; 0 < count <= most_slots
    bool prepare(Pages& pages, std::size_t count, std::uint64_t seed) noexcept {
        const std::size_t notes = align_up(count * sizeof(guard_slot), slot_bytes);
        const auto granted = pages.reserve(count * slot_bytes + notes, slot_bytes);
        if (!granted) return false;
        std::byte* const behind = granted->data + count * slot_bytes;
        if (!pages.commit(behind, notes)) {
            pages.release(granted->data, granted->size);
            return false;
        }
        pages.advise(behind, notes, os::advice::no_huge_pages);  // a wish: few of them are touched
        slots_ = reinterpret_cast<guard_slot*>(behind);
        reserved_ = *granted;
        random_ = seed | 1;
        count_ = count;
        base_.store(granted->data, std::memory_order_release);  // pairs with slot_of: publishes slots_ and count_
        return true;
    }
    bool prepared() const noexcept { return count_ != 0; }
    std::size_t reserved() const noexcept { return reserved_.size; }
    /// Bytes of pages that live blocks have. Any thread may ask.
    std::size_t live() const noexcept { return live_.load(std::memory_order_relaxed); }

    /// A slot with a block of exactly `size` bytes, all zero. Not more than `allowed` slots are ever used.
    /// @pre 1 <= size <= largest(pages), align is a power of two, at most a page
    guard_slot* take(Pages& pages, std::size_t size, std::size_t align, std::size_t allowed) noexcept {
        const bool fresh = used_ < count_ && used_ < allowed;
        if (!fresh && oldest_ == none) return nullptr;
        const std::uint32_t index = fresh ? static_cast<std::uint32_t>(used_) : oldest_ - 1;
        guard_slot& slot = slots_[index];
        const std::size_t page = pages.page_size(), bytes = align_up(size, page);
        std::byte* const first = base() + index * slot_bytes + page;
        if (slot.kept_pages) {
            if (!pages.decommit(slot.pages, slot.page_bytes)) return nullptr;
            slot.kept_pages = false;
        }
        if (!pages.commit(first, bytes)) return nullptr;
        if (fresh) {
            ++used_;
        } else {
            oldest_ = slot.next;
            if (oldest_ == none) newest_ = none;
        }
        std::byte* const last = first + bytes - size;
        const auto down = reinterpret_cast<std::uintptr_t>(last) & (align - 1);
        slot.pages = first;
        slot.page_bytes = bytes;
        slot.start = flip() ? last - down : first;
        slot.size = size;
        slot.state = guard_state::live;
        live_.fetch_add(bytes, std::memory_order_relaxed);
        slot.freed.size = 0;
        for_each_margin(slot, [](std::byte& b) { b = mark_of(&b); return true; });
        return &slot;
    }
    /// The block has ended. @pre it is live
    void give(Pages& pages, guard_slot& slot) noexcept {
        slot.state = guard_state::freed;
        live_.fetch_sub(slot.page_bytes, std::memory_order_relaxed);
        slot.kept_pages = !pages.decommit(slot.pages, slot.page_bytes);  // guard_pool.I1
        const auto number = static_cast<std::uint32_t>(&slot - slots_) + 1;
        slot.next = none;
        (newest_ == none ? oldest_ : slots_[newest_ - 1].next) = number;  // guard_pool.I2
        newest_ = number;
    }
    /// @returns whether the bytes around a live block, up to a margin, are as take left them
    static bool intact(const guard_slot& slot) noexcept {
        return for_each_margin(slot, [](const std::byte& b) { return b == mark_of(&b); });
    }
    /// @returns the slot that was used and holds or held a block around or near the address; null outside of all
    const guard_slot* slot_of(const void* p) const noexcept {
        const std::byte* const base = base_.load(std::memory_order_acquire);
        if (base == nullptr) return nullptr;
        const std::size_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(base);
        if (offset >= count_ * slot_bytes) return nullptr;
        const guard_slot& slot = slots_[offset / slot_bytes];
        return slot.state == guard_state::unused ? nullptr : &slot;
    }
    guard_slot* slot_of(void* p) noexcept { return const_cast<guard_slot*>(std::as_const(*this).slot_of(p)); }
    /// For tests: gives all of it back.
    void destroy(Pages& pages) noexcept {
        if (count_ != 0) pages.release(reserved_.data, reserved_.size);
        base_.store(nullptr, std::memory_order_relaxed);
        count_ = used_ = 0;
        live_.store(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint32_t none = 0;  ///< slots are numbered from 1: a pool of zeros is one that is not prepared

    std::byte* base() const noexcept { return base_.load(std::memory_order_relaxed); }
    /// Not zero, and not the same in neighbours: what a program writes by mistake seldom is.
    static std::byte mark_of(const std::byte* p) noexcept {
        return static_cast<std::byte>(0xa5 ^ (reinterpret_cast<std::uintptr_t>(p) * 29 & 0x7f));
    }
    /// Calls f for the bytes of the margins, until it returns false. @returns whether it never did
    template <class F>
    static bool for_each_margin(const guard_slot& slot, F f) noexcept {
        std::byte* const end = slot.start + slot.size;
        std::byte* const from = slot.start - slot.pages > static_cast<std::ptrdiff_t>(margin) ? slot.start - margin : slot.pages;
        const auto behind = static_cast<std::size_t>(slot.pages + slot.page_bytes - end);
        std::byte* const to = end + (behind < margin ? behind : margin);
        for (std::byte* b = from; b != slot.start; ++b) {
            if (!f(*b)) return false;
        }
        for (std::byte* b = end; b != to; ++b) {
            if (!f(*b)) return false;
        }
        return true;
    }
    bool flip() noexcept {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return (random_ >> 33 & 1) != 0;
    }

    std::atomic<std::byte*> base_{nullptr};
    guard_slot* slots_ = nullptr;
    std::size_t count_ = 0;
    std::size_t used_ = 0;  ///< slots from the front that were used at least once
    std::uint32_t oldest_ = none;
    std::uint32_t newest_ = none;
    std::uint64_t random_ = 0;
    std::atomic<std::size_t> live_{0};
    block reserved_{nullptr, 0};
};

}  // namespace ashlar::malloc
