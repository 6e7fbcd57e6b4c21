// ashlar/malloc/heap_fork.hpp - heap: what the child of fork can use of the heaps of threads that it does not have.
//
// Layer:      malloc
// Picture:    at fork    span.free -> F -> . -> .          noted: no thread takes a list while the gate is closed
//             in child   span.free -> ? -> F -> . -> .     what was pushed meanwhile may be half copied: it stays out
// Complexity: note_lists: O(spans of the heap). mend: O(spans and free blocks of the heap), once, at the first use.
// Failure:    none. Blocks that stood ready in heads_, and those freed while the kernel copied, stay out in the child.
// Threads:    note_lists: by who forks, while the gate is closed. mend: under the registry's lock.
// Invariants: heap_fork.I1  in the child a mark proves a block free only where its span began after the fork, is shared, or
//                           where the list that holds it is at hand: other threads granted blocks while the kernel copied,
//                           and the copy of such a block may be older than that of the pointer to it
// Checked by: tests/malloc/heap_fork_test.cpp, tests/malloc/faults/forks.cpp, tests/malloc/faults/storm.cpp
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

// The owner pushes with plain stores while this reads: a list that it sees is one that there was, and what it leads to
// was written before. The thread sanitizer cannot know that nothing else of the block is looked at.
template <class Store>
__attribute__((no_sanitize("thread"))) void heap<Store>::note_lists() noexcept {
    const auto note = [this](span_type* s) {
        for (; s != nullptr; s = s->next) {
            s->free_at_fork = s->place_of(node::decoded(__atomic_load_n(&s->free, __ATOMIC_ACQUIRE), key()));
        }
    };
    note(full_.front());
    for (auto& list : partial_) note(list.front());
    for (parcel& to : outbox_) to.first_at_fork = __atomic_load_n(&to.first, __ATOMIC_ACQUIRE);
}

template <class Store>
void heap<Store>::mend() noexcept {
    torn_ = false;
    kept_ = 0;
    first_held_ = last_held_ = nullptr;  // they stay out
    held_bytes_ = 0;
    for (node*& head : heads_) head = nullptr;
    for (auto& n : cached_) n = 0;
    if constexpr (Store::routes != 0) {
        for (auto& a : routed_.arenas) a = {};
    }
    for (parcel& to : outbox_) {  // not by push_remote: it may ask for the registry's lock
        if (to.span == nullptr) continue;
        std::uint32_t count = 1;
        for (const node* p = to.first_at_fork; p != to.last; p = p->next(key())) ++count;
        auto* owner = static_cast<heap*>(to.span->owner.load(std::memory_order_relaxed));
        if (to.span->remote.push(to.first_at_fork, to.last, count, key())) owner->mail_.announce(to.span);
        to = {};
    }
    auto full = full_;
    full_ = {};
    while (span_type* s = full.front()) {
        full.remove(s);
        mend_span(*s);
    }
    for (auto& list : partial_) {
        auto partial = list;
        list = {};
        while (span_type* s = partial.front()) {
            partial.remove(s);
            mend_span(*s);
        }
    }
}

/// Reports the block if this thread has it as free. Else it is not touched: it is lost to the child if it was in use, and
/// nothing has happened if it was free.
template <class Store>
bool heap<Store>::leaves_out(Store& store, const span_type& s, node* block, const char* call) noexcept {
    const bool many = s.kind == span_kind::small || s.kind == span_kind::medium;
    if (!many || !store.may_be_torn(s) || !block->marked(store.key())) return false;  // heap_fork.I1
    if (!attached()) return true;
    const auto is_among = [&](node* p) {
        for (std::uint32_t left = s.capacity; p != nullptr && left != 0; --left, p = p->next(key())) {
            if (p == block) return true;
            if (store.find(p)->kind == span_kind::none) return false;  // somebody wrote over the link that leads here
        }
        return false;
    };
    const bool own = s.owner.load(std::memory_order_relaxed) == this;
    if (is_among(heads_[s.size_class]) || (own && is_among(node::decoded(s.free, key())))) {
        store.report({misuse_kind::twice, call, block, block, s.block_size});
    }
    return true;
}

/// Counts again what is out: the countdown was copied at another moment than the list. @pre s is in no list
template <class Store>
void heap<Store>::mend_span(span_type& s) noexcept {
    if constexpr (Store::routes != 0) {
        if (s.kind == span_kind::arena) return keep_chunk_out(s);
    }
    std::uint32_t home = 0;
    node* const first = s.at_place(s.free_at_fork);
    for (node* p = first; p != nullptr; p = p->next(key())) ++home;
    ASHLAR_INVARIANT(home <= s.carved());
    s.free = node::encoded(first, key());
    s.held = 0;
    s.countdown = s.carved() - home;
    if (s.countdown == 0) return store_->give_span(&s);
    partial_[s.size_class].push_front(&s);
    if (!s.has_free(key()) && !s.extendable()) become_full(s);
}

}  // namespace ashlar::malloc
