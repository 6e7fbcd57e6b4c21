// ashlar/malloc/span_store_large.hpp - span_store: blocks above 64 KiB, as runs of slices and as mappings.
//
// Layer:      malloc
// Picture:    64 KiB < size <= 4 MiB   a run of slices; the usable size ends at a page, the rest is not touched
//             4 MiB < size             a mapping of its own, which remap grows without copying
//             either, where the other is refused
// Complexity: as span_store.hpp, which includes this file.
// Failure:    as span_store.hpp.
// Threads:    as span_store.hpp; a large block has no owner, any thread gives it back at once.
// Checked by: tests/malloc/span_store_large_test.cpp, tests/malloc/span_store_test.cpp, tests/malloc/large_blocks_test.cpp
#pragma once

#include "ashlar/malloc/span_store.hpp"

namespace ashlar::malloc {

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::take_large(std::size_t size, std::size_t align) noexcept -> span_type* {
    const bool as_run = size <= largest_run && align <= largest_run;
    size = page_up(size);
    if (!admit(size)) return nullptr;
    // Where one is refused the other may still have room: under a limit all address space may be in regions.
    span_type* s = as_run ? take_run(size, align) : take_mapping(size, align);
    if (s == nullptr) s = as_run ? take_mapping(size, align) : take_run(size, align);
    return s;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::take_run(std::size_t size, std::size_t align) noexcept -> span_type* {
    const std::size_t whole = size + (options_.harden == 2 ? fence_bytes() : 0);
    const std::size_t count = (whole + slice_size - 1) / slice_size;
    give_back_excess();
    const holding guard(lock_);
    span_type* s = passes_hard_limit(size) ? nullptr : take_record();
    if (s == nullptr) return nullptr;
    const slice_run run = slices_.take(pages_, meta_, count, align > slice_size ? align : slice_size);
    s->start = run.data;
    s->slices = static_cast<std::uint32_t>(count);
    s->kind = span_kind::run;
    s->touched = static_cast<std::uint32_t>(run.touched);
    s->block_size = size;
    if (run.data != nullptr && map(s)) {
        s->fenced = whole != size && fence(s->start + size, fence_of_run(*s));  // all that is left: the next run's front too
        count_in(*s);
        ++large_taken_;
        return s;
    }
    if (run.data != nullptr) slices_.give(run.data, count, 0);
    give_record(s);
    return nullptr;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::take_mapping(std::size_t size, std::size_t align) noexcept -> span_type* {
    give_back_excess(size);
    const holding guard(lock_);
    span_type* s = passes_hard_limit(size) ? nullptr : take_record();
    if (s == nullptr) return nullptr;
    const std::size_t page = pages_.page_size();
    const std::size_t whole = size + (options_.harden == 2 ? fence_bytes() : 0);
    const mapping granted = large_.take(pages_, whole, align > page ? align : page,
                                        options_.huge_pages() == thp_policy::always);
    if (granted.data == nullptr) {
        give_record(s);
        return nullptr;
    }
    s->start = granted.data;
    s->slices = 1;
    s->kind = span_kind::mapped;
    s->touched = granted.zero ? 0 : static_cast<std::uint32_t>(slice_size);
    s->block_size = size;
    s->fenced = whole != size && (fence(s->start + size, fence_bytes()) || pages_.protect(s->start + size, fence_bytes(), os::access::none));
    if (!s->fenced) s->block_size = whole;
    mappings_.push_front(s);
    map(s);  // if refused, find_slowly finds it
    note_peak();
    ++large_taken_;
    return s;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::find_slowly(const void* p) noexcept -> span_type* {
    span_type* s = find(p);
    if (s->kind != span_kind::none) return s;
    const holding guard(lock_);
    const auto* address = static_cast<const std::byte*>(p);
    for (span_type* m = mappings_.front(); m != nullptr; m = m->next) {
        if (address >= m->start && address < m->start + m->block_size) return m;
    }
    return map_.none();
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_large(span_type* s) noexcept {
    if (options_.harden != 2 || !hold_large(s)) end_large(s);
}

/// With harden = 2: nobody may touch these pages any more. @returns whether the system knows how without a mapping of its own
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::fence(std::byte* pages, std::size_t bytes) noexcept {
    return options_.harden == 2 && pages_.advise(pages, bytes, os::advice::guard);
}
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::take_fence_away(std::byte* pages, std::size_t bytes) noexcept {
    return pages_.advise(pages, bytes, os::advice::no_guard) || (pages_.decommit(pages, bytes) && pages_.commit(pages, bytes));
}

/// With harden = 2: the block's memory goes back, and its addresses stay out of use until `most_held` others have ended.
/// @returns false when the system refuses
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::hold_large(span_type* s) noexcept {
    constexpr std::size_t most_held = 64;
    {
        const holding guard(lock_);
        if (!pages_.decommit(s->start, s->block_size)) return false;
        s->ended = true;
        s->owner.store(nullptr, std::memory_order_relaxed);
        s->next_in_mail = nullptr;
        if (last_held_ != nullptr) last_held_->next_in_mail = s; else first_held_ = s;
        last_held_ = s;
        ++held_;
    }
    let_large_go(most_held);
    return true;
}
/// @returns whether any did: addresses are free again
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::let_large_go(std::size_t count) noexcept {
    for (bool any = false;; any = true) {
        span_type* s = nullptr;
        {
            const holding guard(lock_);
            s = first_held_;
            if (held_ <= count || !pages_.commit(s->start, s->block_size)) return any;
            first_held_ = s->next_in_mail;
            if (first_held_ == nullptr) last_held_ = nullptr;
            --held_;
            s->ended = false;
        }
        end_large(s);
    }
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::end_large(span_type* s) noexcept {
    if (s->kind == span_kind::run) {
        {
            const holding guard(lock_);
            put_back(s);
        }
        return give_back_if_due(false);
    }
    const std::uint64_t now = os::now_ns();
    {
        const holding guard(lock_);
        if (find(s->start) == s) map_.clear(s->start, 1);
        mappings_.remove(s);
        const bool keep = options_.purge_delay_ms != 0 && !s->fenced;
        const std::size_t whole = s->block_size + (s->fenced ? fence_bytes() : 0);
        large_.give(pages_, s->start, whole, keep ? options_.large_cache_bytes.bytes() : 0, now);
        give_record(s);
    }
    give_back_if_due(true);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::resize_large(span_type* s, std::size_t size) noexcept {
    if (s->fenced) return false;
    if (size > s->block_size && !admit(page_up(size) - s->block_size)) return false;
    if (s->kind == span_kind::run) return size <= largest_run && resize_run(s, page_up(size));
    if (size > s->block_size) give_back_excess(page_up(size) - s->block_size);
    return size > largest_run && resize_mapping(s, page_up(size));
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::resize_run(span_type* s, std::size_t size) noexcept {
    const std::size_t count = (size + slice_size - 1) / slice_size;
    const holding guard(lock_);
    if (size > s->block_size && passes_hard_limit(size - s->block_size)) return false;
    if (count > s->slices) {
        if (!slices_.extend(pages_, s->start, s->slices, count)) return false;
        const std::size_t added = count - s->slices;
        std::byte* const end = s->start + s->slices * slice_size;
        if (!map_.set(pages_, end, added, s)) {
            slices_.give(end, added, 0);
            return false;
        }
    } else if (count < s->slices) {
        std::byte* const end = s->start + count * slice_size;
        map_.clear(end, s->slices - count);
        slices_.give(end, s->slices - count, (s->slices - count) * slice_size);
    }
    count_out(*s);
    s->touched = 0;  // all of the block counts as memory
    s->slices = static_cast<std::uint32_t>(count);
    s->block_size = size;
    count_in(*s);
    return true;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::resize_mapping(span_type* s, std::size_t size) noexcept {
    const holding guard(lock_);
    if (size > s->block_size && passes_hard_limit(size - s->block_size)) return false;
    const mapping now = large_.resize(pages_, s->start, s->block_size, size);
    if (now.data == nullptr) return false;
    if (now.data != s->start) {
        if (find(s->start) == s) map_.clear(s->start, 1);
        s->start = now.data;
        map(s);  // if refused, find_slowly finds it
    }
    s->block_size = size;
    note_peak();
    return true;
}

}  // namespace ashlar::malloc
