// ashlar/malloc/heap_routed.hpp - heap: blocks of chosen call sites, from pools and arenas of their own.
//
// Layer:      malloc
// Picture:    pool:  a size class of its own: heads_[class] -> block -> block, spans of blocks of that exact size
//             arena: [ chunk | chunk | cursor -> chunk ]   blocks side by side in the order of their grants; each chunk
//             counts its blocks, and is used again when all of them were freed, in whatever order and by whomever
// Complexity: pool: as the other classes. arena: allocate and free O(1), some fifteen and twenty instructions.
// Failure:    null when refused, or when the route does not serve that size: the usual way may. Nothing has changed.
// Threads:    as heap.hpp.
// Invariants: heap_routed.I1  the chunk under a cursor counts one block more than it has: it never becomes empty meanwhile
//             heap_routed.I2  a chunk is in partial_[its class], or nothing of it is out and it went back to the store
//             heap_routed.I3  spans of chunks are closed: no fast path of free but push_arena has to do with them
// Checked by: tests/malloc/heap_routed_test.cpp, tests/malloc/program/routed.py
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

/// The fast path. @returns null when the slow one is to be asked
template <class Store>
[[gnu::always_inline]] inline void* heap<Store>::pop_routed(const std::uintptr_t& key, std::size_t r, std::size_t size) noexcept {
    const route& by = store_->route_at(r);
    if (!by.serves(size)) return nullptr;
    return by.kind == route_kind::pool ? pop_class(key, Store::first_route + r) : bump(r, size);
}

template <class Store>
[[gnu::always_inline]] inline void* heap<Store>::bump(std::size_t r, std::size_t size) noexcept {
    arena_cursor<span_type>& a = routed_.arenas[r];
    const std::size_t bytes = size <= chunk_starts::granule ? chunk_starts::granule : align_up(size, chunk_starts::granule);
    std::byte* const p = a.at;
    if (bytes > static_cast<std::size_t>(a.end - p)) return nullptr;
    a.at = p + bytes;
    chunk_starts(a.chunk->start).set(static_cast<std::size_t>(a.at - a.chunk->start));  // routes.I1
    ++a.chunk->countdown;
    ++tally_.handed[Store::first_route + r];
    reinterpret_cast<node*>(p)->clear_mark();
    return p;
}

template <class Store>
[[gnu::noinline]] void* heap<Store>::allocate_routed(std::size_t r, std::size_t size) noexcept {
    const route& by = store_->route_at(r);
    if (!by.serves(size) || shared_ || store_->settings().harden != 0 || store_->settings().zero_on_free != 0) return nullptr;
    if (by.kind == route_kind::pool) {
        if (void* p = pop_class(key(), Store::first_route + r)) return p;
        return refill(Store::first_route + r);
    }
    arena_cursor<span_type>& a = routed_.arenas[r];
    for (;;) {
        if (void* p = bump(r, size)) return p;
        if (a.chunk != nullptr && extend(a, size)) continue;
        if (a.chunk != nullptr) {
            if (static_cast<std::size_t>(a.at - a.chunk->start) + size <= chunk_starts::bytes + chunk_starts::room) return nullptr;  // refused
            retire(a);
            if (a.chunk != nullptr) continue;  // all of it is free again
        }
        if (!begin_chunk(a, r)) return nullptr;
    }
}

/// Another chunk for an arena without one.
template <class Store>
bool heap<Store>::begin_chunk(arena_cursor<span_type>& a, std::size_t r) noexcept {
    const std::size_t c = Store::first_route + r;
    if (!mail_.empty()) read_mail();
    if (trims_ != registry_->trims()) [[unlikely]] trim();
    store_->tick();
    span_type* s = store_->new_span(this, id_, c, partial_[c].front() == nullptr);
    if (s == nullptr && relieve()) s = store_->new_span(this, id_, c);
    if (s == nullptr) return false;
    s->shared = false;
    s->countdown = 1;  // heap_routed.I1
    partial_[c].push_front(s);
    a = {s->start + chunk_starts::bytes, s->start, s};
    if (extend(a, 0)) {
        chunk_starts(s->start).clear();
        return true;
    }
    s->countdown = 0;
    a = {};
    arena_emptied(*s);
    return false;
}

/// Carves some more of the chunk. @returns whether there is room for a block of that size now
template <class Store>
bool heap<Store>::extend(arena_cursor<span_type>& a, std::size_t size) noexcept {
    std::byte* const start = a.chunk->start;
    const auto from = static_cast<std::size_t>(a.end - start);
    const std::size_t most = chunk_starts::bytes + chunk_starts::room;
    const std::size_t least = static_cast<std::size_t>(a.at - start) + align_up(size, chunk_starts::granule);
    if (least > most) return false;
    const std::size_t step = store_->settings().extend() == extend_policy::fast ? slice_size : 4096;
    std::size_t to = align_up(least + 1, step);
    if (to > most) to = most;
    if (to <= from || !store_->admit(to - from)) return to <= from;
    a.chunk->set_carved(static_cast<std::uint32_t>(to / chunk_starts::granule));
    store_->note_carved(*a.chunk, from, to);
    a.end = start + to;
    return true;
}

/// The cursor leaves its chunk; if nothing of it is out, for its beginning.
template <class Store>
void heap<Store>::retire(arena_cursor<span_type>& a) noexcept {
    span_type& s = *a.chunk;
    if (!mail_.empty()) read_mail();
    if (s.countdown == 1) {
        chunk_starts(s.start).clear();
        a.at = s.start + chunk_starts::bytes;
        return;
    }
    --s.countdown;
    a = {};
}

template <class Store>
void heap<Store>::leave_chunks() noexcept {
    for (std::size_t r = 0; r < Store::routes; ++r) {
        arena_cursor<span_type>& a = routed_.arenas[r];
        if (a.chunk == nullptr) continue;
        span_type& s = *a.chunk;
        a = {};
        if (--s.countdown == 0) arena_emptied(s);
    }
}

/// The fast path of free (heap_routed.I3). @returns false when the slow path is to be asked; nothing changed
template <class Store>
[[gnu::always_inline]] inline bool heap<Store>::push_arena(span_type& s, const std::uintptr_t& key, void* p) noexcept {
    if (s.kind != span_kind::arena || s.owner.load(std::memory_order_relaxed) != this) return false;
    auto* const block = static_cast<node*>(p);
    const std::uintptr_t word = node::encoded(block, key);
    if (!chunk_starts(s.start).has(offset_of(p)) || block->mark == word) [[unlikely]] return false;
    if (routed_.arenas[s.size_class - Store::first_route].at == p) [[unlikely]] return false;  // where the next block will start
    block->mark = word;
    if (--s.countdown == 0) [[unlikely]] enter(s);
    return true;
}

/// Its last block was freed, and no cursor is in it.
template <class Store>
void heap<Store>::arena_emptied(span_type& s) noexcept {
    partial_[s.size_class].remove(&s);
    store_->give_span(&s);
}

/// In the child of fork, of a heap whose thread it does not have: nobody knows what is out, so that all of it stays out.
template <class Store>
void heap<Store>::keep_chunk_out(span_type& s) noexcept {
    s.countdown |= chunk_kept_out;
    partial_[s.size_class].push_front(&s);
}

/// What `checked` does for a chunk. @returns its span if a block in use starts at p, after a report null
template <class Store>
auto heap<Store>::checked_in_chunk(Store& store, span_type& s, void* p, const char* call) noexcept -> span_type* {
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(p) - s.start);
    const chunk_starts starts(s.start);
    misuse what{misuse_kind::unused, call, p, p, 0};
    const bool carved = offset >= chunk_starts::bytes && offset / chunk_starts::granule < s.carved();
    const bool granted = carved && starts.next(offset + chunk_starts::granule) != slice_size;  // the last bit is the cursor's
    if (granted && starts.has(offset)) {
        if (!static_cast<node*>(p)->marked(store.key())) return &s;
        if (store.may_be_torn(s)) return nullptr;  // heap_fork.I1: it stays out
        what.kind = misuse_kind::twice;
        what.size = starts.size_at(offset);
    } else if (granted) {
        std::size_t start = align_down(offset, chunk_starts::granule);
        while (start > chunk_starts::bytes && !starts.has(start)) start -= chunk_starts::granule;
        what.kind = misuse_kind::interior;
        what.block = s.start + start;
        what.size = starts.size_at(start);
    }
    store.report(what);
    return nullptr;
}

/// Calls f(block, size) for the blocks of a chunk that are in use, until it returns false. @returns whether it never did
template <class Store>
template <class F>
bool heap<Store>::for_each_in_chunk(const Store& store, const span_type& s, F f) noexcept {
    const chunk_starts starts(s.start);
    if (s.carved() == 0) return true;
    for (std::size_t at = chunk_starts::bytes, end = 0; (end = starts.next(at + chunk_starts::granule)) != slice_size; at = end) {
        auto* const block = reinterpret_cast<node*>(s.start + at);
        if (detail::glance(block->mark) == node::encoded(block, store.key())) continue;
        if (!f(s.start + at, end - at)) return false;
    }
    return true;
}

}  // namespace ashlar::malloc
