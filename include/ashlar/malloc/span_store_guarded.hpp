// ashlar/malloc/span_store_guarded.hpp - span_store: now and then a block between guard pages, found out to the byte.
//
// Layer:      malloc
// Source:     as guard_pool.hpp.
// Picture:    slow call, one of 64 -> is it time? (about guard_samples a second) -> a slot, a record of its own, a note
//             of the calls; free -> another note, the pages go, the record stays: a second free is found
// Complexity: as span_store.hpp, which includes this file. Memory: two pages a live block, one a freed one.
// Failure:    take_guarded gives null, and an ordinary block serves as well; nothing has changed.
// Threads:    as span_store.hpp.
// Invariants: span_store_guarded.I1  a record of kind `guarded` has `ended` set from its block's end on, and its slot
//                            has it for ever: the page map finds it after the block's end too
// Checked by: tests/malloc/span_store_guarded_test.cpp, tests/malloc/program/guarded.py
//
// By time, and not by a number of blocks: what a sample costs is then a fixed small share of any program's time.
#pragma once

#include "ashlar/malloc/span_store.hpp"

namespace ashlar::malloc {

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::guard_due() noexcept {
    const std::int64_t rate = options_.guard_samples;
    if (rate >= guard_all) return true;
    const std::uint64_t now = os::now_ns();
    std::uint64_t due = next_guard_.load(std::memory_order_relaxed);
    if (now < due) return false;
    const auto interval = 1'000'000'000 / static_cast<std::uint64_t>(rate);
    const std::uint64_t some = ((now ^ key_) * 0x9e3779b97f4a7c15u >> 20) % interval;  // no beat with the program's
    const bool won = next_guard_.compare_exchange_strong(due, now + interval / 2 + some, std::memory_order_relaxed);
    return won && due != 0;  // the first time only sets the clock
}

/// A slot for each 2 MiB in use: what all slots take is then at most a 256th of that.
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
std::size_t span_store<Pages, Atomics, Routes>::guards_allowed() noexcept {
    constexpr std::size_t usual = 64, bytes_a_slot = std::size_t{2} << 20;
    if (const std::size_t chosen = options_.guard_slots.bytes()) return chosen;
    const std::size_t most = resident_bytes() / bytes_a_slot;
    return most < usual ? most : usual;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void* span_store<Pages, Atomics, Routes>::take_guarded(std::size_t size, std::size_t align) noexcept {
    if (size > guards_.largest(pages_) || align > pages_.page_size()) return nullptr;
    if (!guard_due()) return nullptr;
    const std::size_t allowed = guards_allowed();
    if (allowed == 0) return nullptr;
    bool first = false;
    void* p = nullptr;
    {
        const holding guard(lock_);
        if (!guards_.prepared()) {
            constexpr std::size_t usual = 64;
            const std::size_t share = os::address_space_limit() / 256 / guards_.slot_bytes;
            const std::size_t most = options_.guard_slots != 0 ? allowed : usual;
            const std::size_t count = most < share ? most : share;
            if (count == 0 || !guards_.prepare(pages_, count, key_)) {
                set_guard_pace(never_guarded);  // not asked again: address space is short
                return nullptr;
            }
            first = true;
        }
        if (passes_hard_limit(page_up(size))) return nullptr;
        guard_slot* const slot = guards_.take(pages_, size, align, allowed);
        if (slot == nullptr) return nullptr;
        note_peak();
        auto* s = static_cast<span_type*>(slot->record);
        if (s == nullptr) {
            s = take_record();
            if (s != nullptr && !map_.set(pages_, slot->start, 1, s)) {
                give_record(s);
                s = nullptr;
            }
            if (s == nullptr) {
                guards_.give(pages_, *slot);
                return nullptr;
            }
            slot->record = s;
            s->kind = span_kind::guarded;
            s->slices = 0;  // of no region
        }
        s->start = slot->start;
        s->block_size = size;
        s->size_class = static_cast<std::uint8_t>(class_of_aligned_size(size, align));
        s->set_carved(1);
        s->countdown = 1;
        s->ended = false;  // span_store_guarded.I1
        slot->granted.size = 0;
        if (guard_watcher_ != nullptr) guard_watcher_->note(slot->granted);
        p = slot->start;
    }
    if (first && guard_watcher_ != nullptr) guard_watcher_->first();
    return p;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_guarded(span_type& s, const char* call) noexcept {
    misuse what{misuse_kind::twice, call, s.start, s.start, s.block_size};
    {
        const holding guard(lock_);
        if (!s.ended) {
            guard_slot& slot = *guards_.slot_of(static_cast<void*>(s.start));
            if (guards_.intact(slot)) what.call = nullptr;
            what.kind = misuse_kind::overrun;
            s.countdown = 0;
            s.ended = true;
            s.set_carved(0);
            if (guard_watcher_ != nullptr) guard_watcher_->note(slot.freed);
            guards_.give(pages_, slot);
        }
    }
    if (what.call != nullptr) report(what);
}

}  // namespace ashlar::malloc
