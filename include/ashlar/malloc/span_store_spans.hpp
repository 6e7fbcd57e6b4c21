// ashlar/malloc/span_store_spans.hpp - span_store: records, spans of equal blocks, and giving back.
//
// Layer:      malloc
// Complexity: as span_store.hpp, which includes this file.
// Failure:    as span_store.hpp.
// Threads:    as span_store.hpp.
// Checked by: tests/malloc/span_store_spans_test.cpp, tests/malloc/span_store_test.cpp
// Long:       spans and giving them back are one idea: what is given back was a span.
#pragma once

#include "ashlar/malloc/span_store.hpp"

namespace ashlar::malloc {

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::take_record() noexcept -> span_type* {
    if (free_records_ == nullptr) {
        std::byte* memory = meta_.take(pages_, sizeof(record_slab), alignof(record_slab));
        if (memory == nullptr) return nullptr;
        auto* slab = ::new (memory) record_slab{slabs_, {}};
        slabs_ = slab;
        for (std::size_t i = records_in_slab; i-- != 0;) {
            slab->records[i].next = free_records_;
            free_records_ = &slab->records[i];
        }
    }
    span_type* s = free_records_;
    free_records_ = s->next;
    s->next = nullptr;
    return s;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_record(span_type* s) noexcept {
    ASHLAR_INVARIANT(s->remote.empty());  // remote_list.I2
    s->owner.store(nullptr, std::memory_order_relaxed);
    s->kind = span_kind::none;
    s->shared = s->ended = s->fenced = false;
    s->free = node::encoded(nullptr, key_);
    s->held = 0;
    s->countdown = s->magic = s->unit_magic = 0;
    s->step = 0;
    s->tag.store(0, std::memory_order_relaxed);
    s->set_carved(0);
    s->next = free_records_;
    free_records_ = s;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::map(span_type* s) noexcept {
    return map_.set(pages_, s->start, s->kind == span_kind::mapped ? 1 : s->slices, s);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::new_span(void* owner, std::uint32_t owner_id, std::size_t size_class,
                                          bool first) noexcept -> span_type* {
    span_type* s = take_span(owner, owner_id, size_class);
    if (first && s != nullptr && s->touched > tail_kept) trim_tail(*s);
    return s;
}

/// Of slices that were full before, the first span of a class would hold all memory, use little, and keep the rest from
/// everybody. mstress8 held a quarter of its memory so. @pre nothing of the span was carved yet
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::trim_tail(span_type& s) noexcept {
    if (options_.purge_delay_ms < 0) return;  // never, the user said
    const std::size_t keep = s.slices == 1 ? tail_kept : slice_size;
    if (s.touched <= keep || !pages_.purge(s.start + keep, s.slices * slice_size - keep)) return;
    const holding guard(lock_);
    slices_.note_trimmed(s.start, s.slices, keep);
    resident_.fetch_sub(s.touched - keep, std::memory_order_relaxed);
    purged_ += s.touched - keep;
    s.touched = static_cast<std::uint32_t>(keep);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
auto span_store<Pages, Atomics, Routes>::take_span(void* owner, std::uint32_t owner_id, std::size_t size_class) noexcept
    -> span_type* {
    const std::size_t size = size_of(size_class);
    const std::size_t count = size <= largest_small ? 1 : medium_slices;
    give_back_excess();
    const holding guard(lock_);
    span_type* s = take_record();
    if (s == nullptr) return nullptr;
    const slice_run run = slices_.take(pages_, meta_, count, slice_size);
    if (run.data == nullptr) {
        give_record(s);
        return nullptr;
    }
    s->kind = count == 1 ? span_kind::small : span_kind::medium;
    s->size_class = static_cast<std::uint8_t>(size_class);
    if constexpr (Routes != 0) {
        if (is_routed(*s) && route_at(size_class - first_route).kind == route_kind::arena) s->kind = span_kind::arena;
    }
    s->start = run.data;
    s->slices = static_cast<std::uint32_t>(count);
    s->touched = static_cast<std::uint32_t>(run.touched);
    s->block_size = size;
    std::byte* const end = s->start + count * slice_size;
    s->fenced = fence(end - fence_bytes(), fence_bytes());
    s->capacity = static_cast<std::uint16_t>((count * slice_size - (s->fenced ? fence_bytes() : 0)) / size);
    s->magic = count == 1 ? divisor_magic(static_cast<std::uint32_t>(size)) : 0;
    // heap_hardened.I1; and what is kept ready is not cleared
    const bool keepable = size > small_class_limit && size_class < size_class_count && options_.zero_on_free == 0 && options_.harden == 0;
    if (s->kind == span_kind::arena) s->magic = 0;
    s->unit_magic = keepable ? divisor_magic(static_cast<std::uint32_t>(size) / large_unit) : 0;
    s->forks = forks_;
    s->step = step_of(size_class);
    s->free = node::encoded(nullptr, key_);
    open(*s, owner_id);
    s->owner.store(owner, std::memory_order_relaxed);
    if (!map(s)) {
        if (!s->fenced || take_fence_away(end - fence_bytes(), fence_bytes())) slices_.give(run.data, count, 0);
        give_record(s);
        return nullptr;
    }
    count_in(*s);
    count_route(*s, 1);
    return s;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_span(span_type* s) noexcept {
    ASHLAR_INVARIANT(s->used() == 0);
    {
        const holding guard(lock_);
        put_back(s);
    }
    give_back_if_due(false);
}

/// The slices of a span become free. @pre the lock is held
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::put_back(span_type* s) noexcept {
    const std::size_t fence = s->kind == span_kind::run ? fence_of_run(*s) : fence_bytes();
    if (s->fenced && !take_fence_away(s->start + s->slices * slice_size - fence, fence)) {
        s->ended = true;  // where a page faults nothing can be put: its slices stay out of use
        return;
    }
    map_.clear(s->start, s->slices);
    count_out(*s);
    count_route(*s, -1);
    note_peak();
    slices_.give(s->start, s->slices, s->kind == span_kind::run ? s->slices * slice_size : need_of(*s));
    give_record(s);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::purge_down_to(std::size_t bytes, bool only_old) noexcept {
    for (;;) {
        slice_run run{nullptr, 0, 0};
        {
            const holding guard(lock_);
            if (slices_.dirty() <= bytes) return;
            run = slices_.start_purge(only_old, largest_run / slice_size);
        }
        if (run.data == nullptr) return;
        // Outside of the lock: other threads work on while the kernel takes the pages.
        const bool purged = pages_.purge(run.data, run.count * slice_size);
        const holding guard(lock_);
        slices_.finish_purge(run, purged);
        if (!purged) return;
        purged_ += run.count * slice_size;
    }
}

/// Before more is taken, `growth` bytes of it in mappings: free memory is kept only as far as all memory stays near the
/// most that was ever needed. To keep more would raise the peak for the sake of a fault saved. The figures are read
/// without the lock: a stale one purges one call later.
template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_back_excess(std::size_t growth) noexcept {
    const std::size_t dirty = slices_.dirty();
    if (dirty == 0 || options_.purge_delay_ms < 0) return;
    const std::size_t have = taken() + growth + dirty;
    std::size_t most = needed_.load(std::memory_order_relaxed) + large_.live() + growth;
    if (const std::size_t before = most_needed_.load(std::memory_order_relaxed); before > most) most = before;
    const std::size_t allowed = most + most / 16 + slack;
    if (have <= allowed) return;
    const std::size_t excess = have - allowed + slack / 2;  // some more, so that the next calls need not
    const std::size_t keep = dirty > excess ? dirty - excess : 0;
    purge_down_to(keep, true);
    purge_down_to(keep, false);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::give_back_if_due(bool with_time) noexcept {
    if (options_.purge_delay_ms == 0) return purge_down_to(0, false);
    // Read without the lock: a stale value delays a purge by one call.
    const std::size_t dirty = slices_.dirty();
    const auto most = options_.retain_bytes.bytes();
    if (dirty > most) {
        purge_down_to(most - most / 4, true);
        purge_down_to(most - most / 4, false);
    }
    if (!with_time && dirty == 0) return;
    if (auto* const call = when_dirty_.load(std::memory_order_acquire)) call();  // pairs with call_when_dirty
    tick();
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::tick() noexcept {
    if (options_.purge_delay_ms <= 0 || kept() == 0) return;
    const std::uint64_t now = os::now_ns();
    std::uint64_t due = next_sweep_.load(std::memory_order_relaxed);
    if (now < due) return;
    const std::uint64_t delay = static_cast<std::uint64_t>(options_.purge_delay_ms.get()) * 1'000'000;
    if (!next_sweep_.compare_exchange_strong(due, now + delay, std::memory_order_relaxed)) return;  // another does
    purge_down_to(0, true);
    const holding guard(lock_);
    slices_.age();
    large_.drop_older(pages_, now > delay ? now - delay : 0);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
std::size_t span_store<Pages, Atomics, Routes>::trim() noexcept {
    let_large_go(0);
    const std::uint64_t before = purged_;
    std::size_t cached = 0;
    {
        const holding guard(lock_);
        cached = large_.cached();
        large_.drop_all(pages_);
        cached -= large_.cached();
    }
    purge_down_to(0, false);
    return static_cast<std::size_t>(purged_ - before) + cached;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
bool span_store<Pages, Atomics, Routes>::give_back_space() noexcept {
    const bool any = let_large_go(0);
    const holding guard(lock_);
    const std::size_t cached = large_.cached();
    large_.drop_all(pages_);
    return slices_.give_back_space(pages_.direct()) != 0 || any || large_.cached() != cached;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::configure(const options& chosen) noexcept {
    options_ = chosen;
    classes_ = usual_classes;
    slices_.advise_regions(chosen.huge_pages());
    const std::int64_t samples = chosen.guard_samples;
    set_guard_pace(samples == 0 ? never_guarded : samples >= guard_all ? 1 : 64);
    watch_limits();
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::change(setting options::*which, std::int64_t value) noexcept {
    options_.*which = value;
    watch_limits();
    admit(0);
    {
        const holding guard(lock_);
        large_.shrink_to(pages_, options_.large_cache_bytes.bytes());
    }
    give_back_if_due(true);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::report(const misuse& what) const noexcept {
    // acquire: pairs with the release in set_handler
    if (auto* handler = handler_.load(std::memory_order_acquire)) return handler(what);
    __builtin_trap();
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
template <class F>
void span_store<Pages, Atomics, Routes>::for_each_span(F f) noexcept {
    for (record_slab* slab = slabs_; slab != nullptr; slab = slab->next) {
        for (span_type& s : slab->records) {
            if (s.kind != span_kind::none) f(s);
        }
    }
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
template <class F>
bool span_store<Pages, Atomics, Routes>::for_each_record(F f) noexcept {
    record_slab* slab = nullptr;
    {
        const holding guard(lock_);
        slab = slabs_;
    }
    for (; slab != nullptr; slab = slab->next) {  // slabs stay, and a new one comes to the front
        for (span_type& s : slab->records) {
            if (!f(s)) return false;
        }
    }
    return true;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::destroy() noexcept {
    large_.drop_all(pages_);
    while (span_type* s = mappings_.front()) {
        mappings_.remove(s);
        pages_.release(s->start, s->block_size + (s->fenced ? fence_bytes() : 0));
    }
    slices_.destroy(pages_);
    guards_.destroy(pages_);
    map_.destroy(pages_);
    meta_.destroy(pages_);
    pages_.retry();
}

}  // namespace ashlar::malloc
