// ashlar/observe/heap_observer.hpp - do the steps of a script on a heap and follow where its blocks lie.
//
// Layer:      observe
// Picture:    step -> heap -> address, bytes granted -> page_ledger: pages held     line_cache: lines touched
// Complexity: linear in the pages and lines of the blocks.
// Failure:    a step that the heap refuses is not done and counts for nothing.
// Threads:    one.
// Invariants: heap_observer.I1  granted() is the sum of what the live blocks were granted
// Checked by: tests/observe/heap_observer_test.cpp
//
// A program is taken to write a new block from end to end, and a heap to write the first line of one that is given back.
// A reallocation writes what is new; one that moves the block reads the old one and writes all of the new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/observe/line_cache.hpp"
#include "ashlar/observe/page_ledger.hpp"
#include "ashlar/observe/replay_loop.hpp"

namespace ashlar {

class heap_observer {
public:
    /// @pre `granted` has an entry for each slot, all 0, and outlives the observer
    explicit heap_observer(std::span<std::uint64_t> granted) noexcept : granted_of_(granted) {}

    /// @returns whether the step was done
    template <telling_heap H>
    bool step(H& heap, const replay_step& step, replay_slot& slot) noexcept {
        const replay_slot old = slot;
        if (step.op == replay_op::deallocate) {
            cache_.touch(address_of(old), 1);
            forget(step.slot, old);
        }
        if (!detail::do_step(heap, step, slot)) return false;
        if (step.op == replay_op::deallocate) return true;
        const bool stays = step.op == replay_op::reallocate && slot.data == old.data;
        if (step.op == replay_op::reallocate) {
            ++(stays ? stayed_ : moved_);
            if (!stays) cache_.touch(address_of(old), old.size() < step.size ? old.size() : step.size);
            forget(step.slot, old);
        }
        const std::uint64_t told = heap.last_granted(slot.data);
        const std::uint64_t granted = told < step.size ? step.size : told;
        granted_of_[step.slot] = granted;
        granted_ += granted;
        ledger_.add(address_of(slot), granted);
        const std::uint64_t kept = stays && old.size() < step.size ? old.size() : stays ? step.size : 0;
        cache_.touch(address_of(slot) + kept, step.size - kept);
        return true;
    }

    std::uint64_t granted() const noexcept { return granted_; }
    std::uint64_t held() const noexcept { return ledger_.held_pages() * page_ledger::page_bytes; }
    const page_ledger& pages() const noexcept { return ledger_; }
    const line_cache& lines() const noexcept { return cache_; }
    /// Reallocations that left the block where it was, and those that did not.
    std::uint64_t stayed() const noexcept { return stayed_; }
    std::uint64_t moved() const noexcept { return moved_; }

private:
    static std::uint64_t address_of(const replay_slot& slot) noexcept { return reinterpret_cast<std::uintptr_t>(slot.data); }

    void forget(std::uint32_t slot, const replay_slot& old) noexcept {
        ASHLAR_INVARIANT(granted_of_[slot] <= granted_);  // heap_observer.I1
        ledger_.remove(address_of(old), granted_of_[slot]);
        granted_ -= granted_of_[slot];
        granted_of_[slot] = 0;
    }

    std::span<std::uint64_t> granted_of_;
    page_ledger ledger_;
    line_cache cache_;
    std::uint64_t granted_ = 0;
    std::uint64_t stayed_ = 0;
    std::uint64_t moved_ = 0;
};

}  // namespace ashlar
