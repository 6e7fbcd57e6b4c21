// ashlar/malloc/heap_free.hpp - heap: where blocks go, from this thread and from others.
//
// Layer:      malloc
// Complexity: as heap.hpp, which includes this file.
// Failure:    none; misuse is reported and has no other effect.
// Threads:    as heap.hpp.
// Checked by: tests/malloc/heap_free_test.cpp, tests/malloc/heap_test.cpp, tests/malloc/misuse_test.cpp
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

template <class Store>
auto heap<Store>::checked(Store& store, void* p, const char* call) noexcept -> span_type* {
    span_type* s = store.find(p);
    if (s->kind == span_kind::none) s = store.find_slowly(p);
    misuse what{misuse_kind::foreign, call, p, nullptr, 0};
    if (s->kind == span_kind::none || static_cast<std::byte*>(p) < s->start) {
        store.report(what);
        return nullptr;
    }
    if constexpr (Store::routes != 0) {
        if (s->kind == span_kind::arena) return checked_in_chunk(store, *s, p, call);
    }
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(p) - s->start);
    const bool many = s->kind == span_kind::small || s->kind == span_kind::medium;
    // 32 bits: a division by 64 bits takes three times as long.
    const std::size_t index = many ? static_cast<std::uint32_t>(offset) / static_cast<std::uint32_t>(s->block_size) : 0;
    what.block = s->start + index * s->block_size;
    what.size = s->block_size;
    if (p == what.block && (!many || index < s->carved())) {
        const bool ended = many ? static_cast<node*>(p)->marked(store.key()) && !store.may_be_torn(*s)
                                : s->ended;
        if (!ended) return s;
        what.kind = misuse_kind::twice;
    } else if (s->kind == span_kind::guarded && offset >= s->block_size) {
        what.block = nullptr;
        what.size = 0;
    } else {
        what.kind = many && index >= s->carved() ? misuse_kind::unused : misuse_kind::interior;
    }
    store.report(what);
    return nullptr;
}

template <class Store>
void heap<Store>::release(Store& store, registry_type& registry, heap* mine, void* p, const char* call) noexcept {
    span_type* s = store.find(p);
    // The common case first: a block of another heap, at its start as far as can be told without a division.
    auto* const block = static_cast<node*>(p);
    const bool whole = s->unit_magic != 0 ? s->has_block_at(static_cast<std::uint32_t>(static_cast<std::byte*>(p) - s->start))
                                          : offset_of(p) * s->magic < s->magic;
    if (!whole || block->marked(store.key())) [[unlikely]] {
        s = checked(store, p, call);
        if (s == nullptr) return;
        if (mine->leaves_out(store, *s, block, call)) return;
    }
    if (!seal_holds(store, *s, p, call)) return;
    if (store.settings().zero_on_free != 0) std::memset(p, 0, s->block_size);  // then nothing is routed
    if (s->kind == span_kind::run || s->kind == span_kind::mapped) return release_large(store, *s);
    if (s->kind == span_kind::guarded) return store.give_guarded(*s, call);
    if (s->shared) return shared_heap<Store>::home_of(*s)->take_back(*s, p, call);
    const bool own = s->owner.load(std::memory_order_relaxed) == mine;
    if (own && s->used() == 0) {  // kept though it is empty: at this place no block was granted yet
        return store.report({misuse_kind::unused, call, p, p, s->block_size});
    }
    const bool kept_out = store.settings().harden == 2;
    if (kept_out) std::memset(p, 0, s->block_size);  // heap_hardened.I2
    block->set_mark(store.key());
    if (kept_out && mine->attached()) return mine->hold(*s, block);
    if (own) return mine->free_local(*s, block);
    mine->attached() ? mine->send(*s, block) : push_remote(registry, *s, block, block, 1);
}

template <class Store>
void heap<Store>::release_large(Store& store, span_type& s) noexcept {
    if (auto* const home = shared_heap<Store>::home_of(s)) home->let_go(s);
    store.give_large(&s);
}

template <class Store>
bool heap<Store>::fits(Store& store, const span_type& s, const void* p, block_claim claim) noexcept {
    if (is_sealed(store, s)) {
        const std::size_t bytes = bytes_of(store, s, static_cast<const std::byte*>(p));
        return bytes == claim.size || (claim.size == 0 && bytes == 1);  // with an alignment none is one
    }
    const std::size_t size = claim.size != 0 ? claim.size : 1;
    if (Store::is_routed(s)) return size <= span_bytes_of(s, p);
    if (size > s.block_size) return false;
    if (claim.align == 0) return true;
    const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
    if (size > size_class_max || claim.align > size_class_max) return large && s.block_size - size < store.pages().page_size();
    return !large && s.size_class == class_of_aligned_size(size, claim.align);
}

template <class Store>
void heap<Store>::release_sized(Store& store, registry_type& registry, heap* mine, void* p, block_claim claim,
                                const char* call) noexcept {
    const span_type* s = store.find(p);
    // The common case: the class of the size (span.I4); release looks at the rest.
    const bool near = claim.align <= size_class_step && s->block_size - claim.size < s->step;
    if (near && store.settings().harden == 0) return release(store, registry, mine, p, call);
    s = checked(store, p, call);
    if (s == nullptr) return;
    if (!fits(store, *s, p, claim)) {
        return store.report({misuse_kind::wrong_size, call, p, p, s->block_size, claim.size});
    }
    release(store, registry, mine, p, call);
}

/// Puts a block of a larger class before the others that stand ready. @returns whether it is one, and there is room
template <class Store>
[[gnu::always_inline]] inline bool heap<Store>::keep(const Store& store, const std::uintptr_t& key, const span_type& s,
                                                     void* p) noexcept {
    if (!s.has_block_at(static_cast<std::uint32_t>(static_cast<std::byte*>(p) - s.start))) return false;
    const std::size_t c = s.size_class;
    std::uint32_t& cached = cached_[c - first_cached];
    auto* const block = static_cast<node*>(p);
    const std::uintptr_t word = node::encoded(block, key);
    if ((cached + 1) * s.block_size > cached_limit_ || block->mark == word) return false;
    if (store.sampler() != nullptr) [[unlikely]] return false;  // what a profile counts comes by refill (sampling.I1)
    ++cached;
    ++tally_.handed[c];
    zero_[c] = false;
    block->mark = word;
    block->set_next(heads_[c], key);
    heads_[c] = block;
    return true;
}

/// @pre the block is marked
template <class Store>
void heap<Store>::free_local(span_type& s, node* block) noexcept {
    block->link = s.free;
    s.free = node::encoded(block, key());
    if (--s.countdown == 0) counted_down(s);
}

/// Enough blocks of a full span came back, or all of a span that is not full.
template <class Store>
void heap<Store>::counted_down(span_type& s) noexcept {
    if (s.held == 0) return emptied(s);
    s.countdown = s.held;
    s.held = 0;
    full_.remove(&s);
    partial_[s.size_class].push_second(&s);
}

/// The same, from the fast path: the slow ones are inside already.
template <class Store>
[[gnu::noinline]] void heap<Store>::enter_counted_down(span_type& s) noexcept {
    const visit inside(registry_->gate(), inside_);
    counted_down(s);
    if (trims_ != registry_->trims()) [[unlikely]] trim();
}

template <class Store>
void heap<Store>::emptied(span_type& s) noexcept {
    if constexpr (Store::routes != 0) {
        if (s.kind == span_kind::arena) return arena_emptied(s);
    }
    if (!mail_.empty()) read_mail();
    auto& list = partial_[s.size_class];
    const std::size_t touched = s.carved() * s.block_size;
    if (list.front() == &s && s.next == nullptr && touched <= slice_size && kept_ + touched <= kept_limit) {
        s.close(id_);  // kept for the next block of its class: whatever is freed into it is misuse (span.I3)
        kept_ += touched;
        return;
    }
    list.remove(&s);
    store_->give_span(&s);
}

template <class Store>
void heap<Store>::came_home(span_type& s, const typename remote_list<atomics>::taken& what) noexcept {
    what.last->link = s.free;
    s.free = node::encoded(what.first, key());
    const std::uint32_t left = s.used() - what.count;
    if (s.held != 0) {
        full_.remove(&s);
        partial_[s.size_class].push_second(&s);
        s.held = 0;
    }
    s.countdown = left;
    if (left == 0) emptied(s);
}

template <class Store>
[[gnu::noinline]] void heap<Store>::read_mail() noexcept {
    ++readings_;
    bool for_orphan = false;
    for (span_type* s = mail_.take_all(); s != nullptr;) {
        span_type* const next = s->next_in_mail;  // before take: from then on it may be announced again
        auto* const owner = static_cast<heap*>(s->owner.load(std::memory_order_relaxed));
        if (owner != this) {
            owner->mail_.announce(s);  // it was adopted since: its list is not empty and it is in no mailbox
            std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the registry's detach, as in push_remote
            for_orphan = for_orphan || owner->orphan_.load(std::memory_order_relaxed);
        } else {
            came_home(*s, s->remote.take());
        }
        s = next;
    }
    if (!for_orphan) return;
    // An orphan's mail is read under the registry's lock (heap_registry.I1), whose holder looks again; else this is the one to tell.
    orphan_.load(std::memory_order_relaxed) ? registry_->note_forwarded() : registry_->tend_forwarded();
}

/// One compare-and-swap for a parcel instead of one for each block; several parcels, because frees alternate.
template <class Store>
void heap<Store>::send(span_type& s, node* block) noexcept {
    parcel& to = outbox_[parcel_of(s)];
    if (to.span == &s) {
        block->set_next(to.first, key());
        to.first = block;
        ++to.count;
    } else {
        if (to.span != nullptr) push_remote(*registry_, *to.span, to.first, to.last, to.count);
        to = {&s, block, block, 1};
    }
    if (to.count * s.block_size < parcel_bytes) return;
    to.span = nullptr;
    push_remote(*registry_, s, to.first, to.last, to.count);
}

template <class Store>
void heap<Store>::send_all() noexcept {
    for (parcel& to : outbox_) {
        if (to.span == nullptr) continue;
        span_type& s = *to.span;
        to.span = nullptr;
        push_remote(*registry_, s, to.first, to.last, to.count);
    }
}

template <class Store>
void heap<Store>::push_remote(registry_type& registry, span_type& s, node* first, node* last,
                              std::uint32_t count) noexcept {
    auto* owner = static_cast<heap*>(s.owner.load(std::memory_order_relaxed));
    if (owner->dead_.load(std::memory_order_relaxed)) return registry.give_strays(s.size_class, first, last, owner->key());
    if (!s.remote.push(first, last, count, owner->key())) return;
    // Read again: the span may have been adopted meanwhile; a heap that finds mail of another's span forwards it.
    owner = static_cast<heap*>(s.owner.load(std::memory_order_relaxed));
    owner->mail_.announce(&s);
    // seq_cst: pairs with the fence in the registry's detach: either it sees the mail, or this sees the orphan
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (owner->orphan_.load(std::memory_order_relaxed)) registry.tend(*owner);
}

template <class Store>
void heap<Store>::settle() noexcept {
    let_go_down_to(0);
    send_all();
    read_mail();
    if constexpr (Store::routes != 0) leave_chunks();
    for (std::size_t c = 0; c < class_count; ++c) {
        for (node* p = heads_[c]; p != nullptr;) {
            node* const next = follow(p, c);
            span_type* s = store_->find(p);
            --tally_.handed[c];
            if (s->owner.load(std::memory_order_relaxed) == this) {
                free_local(*s, p);
            } else {
                push_remote(*registry_, *s, p, p, 1);
            }
            p = next;
        }
        heads_[c] = nullptr;
        if (is_cached(c)) cached_[c - first_cached] = 0;
        for (span_type* s = partial_[c].front(); s != nullptr;) {
            span_type* const next = s->next;
            if (s->used() == 0) {
                kept_ -= s->carved() * s->block_size;
                partial_[c].remove(s);
                store_->give_span(s);
            }
            s = next;
        }
    }
}

template <class Store>
std::size_t heap<Store>::usable_size(Store& store, void* p, const char* call) noexcept {
    span_type* s = checked(store, p, call);
    return s == nullptr ? 0 : bytes_of(store, *s, static_cast<const std::byte*>(p));
}

}  // namespace ashlar::malloc
