// ashlar/malloc/heap_allocate.hpp - heap: where blocks come from when a list has run out.
//
// Layer:      malloc
// Picture:    refill: mail -> front span's free list -> carve more of it -> next span ->
//             span of an orphan -> new span
// Complexity: as heap.hpp, which includes this file.
// Failure:    as heap.hpp.
// Threads:    as heap.hpp.
// Checked by: tests/malloc/heap_allocate_test.cpp, tests/malloc/heap_test.cpp
// Long:       each step of a refill is needed by the one before it alone, and is read with it.
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

template <class Store>
void* heap<Store>::allocate(std::size_t size) noexcept {
    if (size > size_class_max) return allocate_large(size, 1, false);
    if (store_->settings().harden != 0) return allocate_hardened(size, 1);
    const std::size_t c = classes_->of(size);
    if (void* p = pop_any(c)) return p;
    if (void* p = guarded(size, size_class_step)) return p;
    return refill_for(size, c);
}

template <class Store>
void* heap<Store>::allocate_zeroed(std::size_t size) noexcept {
    if (size > size_class_max) return allocate_large(size, 1, true);
    if (store_->settings().harden != 0) {
        void* const q = allocate_hardened(size, 1);
        return q == nullptr ? nullptr : std::memset(q, 0, size);
    }
    std::size_t c = classes_->of(size);
    void* p = pop_any(c);
    if (p == nullptr) {
        if (void* q = guarded(size, size_class_step)) return q;  // it is of zeros
        p = refill_for(size, c);
        c = classes_->of(size);
    }
    if (p == nullptr) return nullptr;
    if (zero_[c]) {
        static_cast<node*>(p)->link = 0;  // heap.I3; the mark is 0 already
    } else {
        std::memset(p, 0, size);
    }
    return p;
}

template <class Store>
void* heap<Store>::allocate_aligned(std::size_t size, std::size_t align) noexcept {
    if (size == 0) size = 1;
    if (size > size_class_max || align > size_class_max) return allocate_large(size, align, false);
    if (store_->settings().harden != 0) return allocate_hardened(size, align);
    const std::size_t c = class_of_aligned_size(size, align);
    if (void* p = pop_any(c)) return p;
    if (void* p = guarded(size, align)) return p;
    return refill(c);
}

template <class Store>
void* heap<Store>::allocate_large(std::size_t size, std::size_t align, bool zeroed) noexcept {
    constexpr auto most = static_cast<std::size_t>(PTRDIFF_MAX);
    if (size > most - slice_size || align > most - slice_size - size) return nullptr;
    if (!mail_.empty()) read_mail();
    if (trims_ != registry_->trims() && !shared_) [[unlikely]] trim();
    if (const block_sampler* sampler = store_->sampler(); sampler != nullptr && !shared_) {
        follow(*sampler);
        if (clock_.meets(size, sampler->mean)) {
            if (void* p = sampler->take(size, align, zeroed)) return p;
        }
    }
    const std::size_t whole = size + (store_->settings().harden != 0 ? seal::bytes : 0);
    span_type* s = store_->take_large(whole, align);
    if (s == nullptr && relieve()) s = store_->take_large(whole, align);
    if (s == nullptr) return nullptr;
    if (whole != size) seal::put(s->start, size, s->block_size, seal_key_);
    if (shared_) static_cast<shared_heap<Store>*>(this)->keep_large(*s);
    if (zeroed && !s->reads_as_zero(0)) std::memset(s->start, 0, size);
    return s->start;
}

/// The same as refill, and while memory is cut for a class that has grown it may turn out that the size is worth its own.
template <class Store>
void* heap<Store>::refill_for(std::size_t size, std::size_t c) noexcept {
    if (!class_watch::covers(c) || shared_ || store_->settings().adapt_classes == 0) return refill(c);
    const span_type* const s = partial_[c].front();
    if (s != nullptr && s->has_free(key())) return refill(c);
    const std::size_t bytes = watch_.note(c, size != 0 ? size : 1);
    if (bytes == 0) return refill(c);
    store_->add_class(static_cast<std::uint32_t>(bytes));
    return refill(classes_->of(size));
}

/// @returns a block, the rest of what was found is in heads_[c]; null when refused
template <class Store>
[[gnu::noinline]] void* heap<Store>::refill(std::size_t c) noexcept {
    if (!mail_.empty()) read_mail();
    if (trims_ != registry_->trims()) [[unlikely]] trim();
    if ((++refills_ & 7) == 0) {
        store_->tick();
        if ((refills_ & 63) == 0) send_all();
    }
    const bool profiled = store_->sampler() != nullptr && !shared_ && c < Store::first_route;
    if (profiled) [[unlikely]] {
        if (void* p = sampled(c)) return p;
    }
    node* list = shared_ ? nullptr : registry_->take_stray(c);  // a stray is no block of a heap that ends (shared_heap.I1)
    if (list == nullptr) {
        span_type* s = usable_span(c);
        if (s == nullptr) return nullptr;
        if (s->used() == 0 && s->carved() != 0) {  // it was kept empty (span.I3)
            store_->open(*s, id_);
            kept_ -= s->carved() * s->block_size;
        }
        bool zero = false;
        std::uint32_t count = 0;
        const std::uintptr_t none = node::encoded(nullptr, key());
        // With `harden` what was freed is used again as late as can be.
        if (s->free != none && (store_->settings().harden == 0 || !s->extendable() || store_->sampler() != nullptr)) {
            list = node::decoded(s->free, key());
            count = s->carved() - s->used();
            s->free = none;
        } else {
            const std::uint32_t before = s->carved();
            list = carve(*s);
            if (list == nullptr) return nullptr;
            count = s->carved() - before;
            zero = s->reads_as_zero(before * s->block_size);
        }
        if (profiled && store_->sampler() != nullptr) [[unlikely]] count = cut_for_sample(*s, list, count);
        s->countdown += count;
        tally_.handed[c] += count;
        if (is_cached(c)) cached_[c - first_cached] = count - 1;
        zero_[c] = zero;
    } else {
        if (is_cached(c)) cached_[c - first_cached] = length(list) - 1;
        zero_[c] = false;
    }
    heads_[c] = list;
    if (store_->settings().harden != 0) [[unlikely]] return pop_checked(c);
    heads_[c] = follow(list, c);
    list->clear_mark();  // encoded_link.I1
    return list;
}

/// @returns the block behind a free one; null at the end, and after a report when the link is none that malloc wrote
template <class Store>
auto heap<Store>::follow(node* block, std::size_t c) noexcept -> node* {
    node* const next = block->next(key());
    if (next == nullptr) return nullptr;
    const span_type* s = store_->find(next);
    const bool equal = s->kind == span_kind::small || s->kind == span_kind::medium;
    if (equal && s->size_class == c) {
        const auto offset = static_cast<std::uint32_t>(reinterpret_cast<std::byte*>(next) - s->start);
        if (offset % static_cast<std::uint32_t>(s->block_size) == 0) return next;
    }
    store_->report({misuse_kind::corrupted, "malloc", block, block, store_->find(block)->block_size});
    return nullptr;
}

/// @returns a block whose stack was noted, if the next one of its class is to be sampled (sampling.I1)
template <class Store>
[[gnu::noinline]] void* heap<Store>::sampled(std::size_t c) noexcept {
    const block_sampler* const sampler = store_->sampler();
    if (sampler == nullptr) return nullptr;
    follow(*sampler);
    if (!clock_.due(c)) return nullptr;
    const std::size_t bytes = store_->size_of(c);
    clock_.draw(c, bytes, sampler->mean);
    void* const p = sampler->take(bytes, bytes & (0 - bytes), false);
    if (p != nullptr) zero_[c] = false;  // heads_[c] is empty: heap.I3 says nothing
    return p;
}

/// Ends a list before the next block to be sampled; the rest goes back to its span, which has no other.
template <class Store>
[[gnu::noinline]] std::uint32_t heap<Store>::cut_for_sample(span_type& s, node* list, std::uint32_t count) noexcept {
    const std::uint32_t some = clock_.hand_out(s.size_class, count);
    if (some == count) return count;
    node* last = list;
    for (std::uint32_t i = 1; i < some; ++i) last = last->next(key());
    s.free = last->link;
    last->set_next(nullptr, key());
    return some;
}

/// @returns a span at the front of partial_[c] that has a free block or room to carve one; null when refused
template <class Store>
auto heap<Store>::usable_span(std::size_t c) noexcept -> span_type* {
    for (;;) {
        span_type* s = partial_[c].front();
        if (s == nullptr) {
            if (!shared_ && registry_->adopt_partial(*this, c)) continue;
            if (!shared_) registry_->take_from_sleepers(this, false);  // before more is taken from the system
            s = store_->new_span(this, id_, c, !fills_spans(c));
            if (s == nullptr) {
                const bool more = relieve();
                if (partial_[c].front() != nullptr) continue;  // blocks of this class came home
                if (more) s = store_->new_span(this, id_, c);
            }
            if (s == nullptr) return nullptr;
            s->shared = shared_;
            if (shared_) s->unit_magic = 0;  // shared_heap.I2
            partial_[c].push_front(s);
            return s;
        }
        if (s->has_free(key()) || s->extendable()) return s;
        become_full(*s);
    }
}

/// @returns whether a span of that class was filled lately. @pre there is none in partial_[c]
template <class Store>
bool heap<Store>::fills_spans(std::size_t c) const noexcept {
    int looked_at = 0;
    for (const span_type* s = full_.front(); s != nullptr && looked_at < 32; s = s->next, ++looked_at) {
        if (s->size_class == c) return true;
    }
    return false;
}

/// Somebody asked all heaps to. The rest of what the process holds was given back then.
template <class Store>
[[gnu::noinline]] void heap<Store>::trim() noexcept {
    trims_ = registry_->trims();
    settle();
    static_cast<void>(store_->trim());
}

/// The system has refused: gives up what is kept for speed alone. @returns whether it is worth asking again
template <class Store>
[[gnu::noinline]] bool heap<Store>::relieve() noexcept {
    settle();
    registry_->tend_all();
    if (!shared_) registry_->take_from_sleepers(this, true);
    return store_->give_back_space();
}

template <class Store>
void heap<Store>::become_full(span_type& s) noexcept {
    // Woken when an eighth of its blocks is back: a span that is refilled one by one would cost a slow path each.
    const std::uint32_t used = s.used();
    const std::uint32_t eighth = s.capacity / 8 < 32 ? s.capacity / 8 : 32;
    const std::uint32_t enough = eighth != 0 ? eighth : 1;
    ASHLAR_INVARIANT(enough < used);
    s.countdown = enough;
    s.held = static_cast<std::uint16_t>(used - enough);
    partial_[s.size_class].remove(&s);
    full_.push_front(&s);
}

/// Cuts blocks from the part of a span that never was in use: few at a time, so that few pages are touched.
template <class Store>
auto heap<Store>::carve(span_type& s) noexcept -> node* {
    const std::size_t size = s.block_size;
    const std::size_t at = s.carved() * size;
    std::size_t reach = 4096;
    switch (store_->settings().extend()) {
        case extend_policy::compact: break;
        case extend_policy::balanced: reach = at < 16384 ? 4096 : 8192; break;
        case extend_policy::fast: reach = 65536; break;
    }
    const std::size_t end = align_down(at, std::size_t{4096}) + reach;  // ends with a page: none is touched early
    std::size_t count = end > at ? (end - at) / size : 0;
    if (count == 0) count = 1;
    if (count > s.capacity - s.carved()) count = s.capacity - s.carved();
    if (!store_->admit(count * size)) return nullptr;
    std::byte* p = s.start + at;
    auto* first = reinterpret_cast<node*>(p);
    if (store_->settings().harden != 0) [[unlikely]] {
        first = carve_hardened(s, p, count);
    } else {
        for (std::size_t i = 1; i <= count; ++i, p += size) {
            auto* const block = reinterpret_cast<node*>(p);
            block->set_next(i < count ? reinterpret_cast<node*>(p + size) : nullptr, key());
            block->set_mark(key());  // never granted is as good as free
        }
    }
    s.set_carved(s.carved() + static_cast<std::uint32_t>(count));
    store_->note_carved(s, at, at + count * size);
    return first;
}

/// Also when a mapping moved: it is at s.start.
template <class Store>
bool heap<Store>::resized_in_place(Store& store, span_type& s, void* p, std::size_t size) noexcept {
    if (s.kind == span_kind::guarded) return false;  // where it ends is known to the byte
    if (is_sealed(store, s)) return resized_with_seal(store, s, p, size);
    const std::size_t old = bytes_of(store, s, static_cast<const std::byte*>(p));
    if (near_enough(old, size) && s.kind != span_kind::mapped) return true;
    const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
    return large && size > size_class_max && size <= static_cast<std::size_t>(PTRDIFF_MAX) - slice_size &&
           store.resize_large(&s, size);
}

template <class Store>
void* heap<Store>::reallocate(void* p, std::size_t size) noexcept {
    span_type* s = checked(*store_, p, "realloc");
    if (s == nullptr || !seal_holds(*store_, *s, p, "realloc")) return nullptr;
    const std::size_t old = span_bytes_of(*s, p);
    const bool large = s->kind == span_kind::run || s->kind == span_kind::mapped;
    auto* const home = shared_heap<Store>::home_of(*s);
    if (resized_in_place(*store_, *s, p, size)) {
        if (large && home != nullptr) home->note_moved(p, *s);
        return large ? s->start : p;
    }
    if (home != nullptr && !home->watched()) return home->move(p, *s, size);  // it stays in its heap
    void* q = allocate(size);
    if (q == nullptr) {
        // Two blocks of it do not fit; what was given back for the second may do for this one to grow.
        if (s->kind == span_kind::mapped && size > old && resized_in_place(*store_, *s, p, size)) return s->start;
        return size <= bytes_of(*store_, *s, static_cast<std::byte*>(p)) ? p : nullptr;
    }
    std::memcpy(q, p, size < old ? size : old);
    release(*store_, *registry_, this, p, "realloc");
    return q;
}

}  // namespace ashlar::malloc
