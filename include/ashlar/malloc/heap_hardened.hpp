// ashlar/malloc/heap_hardened.hpp - heap: how blocks are handed out and kept back when `harden` or `guard_samples` ask for more checks.
//
// Layer:      malloc
// Source:     snmalloc, docs/security (randomised order, late reuse); hardened_malloc (freed memory is zero until reuse).
// Picture:    heads_[class] -> block -> block   handed out one by one, each looked at
//             span.free     -> block -> block   freed since; comes into heads_ when that is empty and nothing is left to cut
// Complexity: O(1) a block; with harden = 2 O(its size).
// Failure:    as heap.hpp. A block that was written to is reported; what its link hid stays out.
// Threads:    as heap.hpp.
// Invariants: heap_hardened.I1  spans are closed: the paths of unsealed blocks leave them alone
//             heap_hardened.I2  with harden = 2, blocks in heads_ and free are zero behind their first two words
//             heap_hardened.I3  blocks in use end with a seal (seal.hpp), but for guarded ones
//             heap_hardened.I4  blocks that are held are marked, and count as out
// Checked by: tests/malloc/heap_hardened_test.cpp, tests/malloc/program/misused.py
#pragma once

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

/// @returns whether size bytes, a multiple of 16, are all zero
inline bool all_zero(const std::byte* p, std::size_t size) noexcept {
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < size; i += sizeof any) {
        std::uint64_t word = 0;
        std::memcpy(&word, p + i, sizeof word);
        any |= word;
    }
    return any == 0;
}

/// Now and then a block between guard pages. @returns null at all other times
template <class Store>
void* heap<Store>::guarded(std::size_t size, std::size_t align) noexcept {
    if (++guard_turn_ < store_->guard_pace()) [[likely]] return nullptr;
    guard_turn_ = 0;
    if (shared_) return nullptr;  // its blocks end with it
    if (size == 0) size = 1;
    void* const p = store_->take_guarded(size, align);
    if (p != nullptr) ++tally_.handed[class_of_aligned_size(size, align)];
    return p;
}

template <class Store>
[[gnu::always_inline]] inline void* heap<Store>::pop_sealed(const std::uintptr_t& key, std::size_t size) noexcept {
    if (size > small_class_limit - seal::bytes) return nullptr;
    const std::size_t c = small_class(size + seal::bytes);
    node* const head = heads_[c];
    if (head == nullptr || !head->marked(key)) return nullptr;
    node* const next = head->next(key);
    if (!node::plausible(next)) return nullptr;  // the slow path says what is wrong
    heads_[c] = next;
    head->link = 0;
    head->clear_mark();
    seal::put(reinterpret_cast<std::byte*>(head), size, small_class_bytes[c], seal_key_);
    return head;
}

template <class Store>
[[gnu::always_inline]] inline std::size_t heap<Store>::sealed_size(const std::uintptr_t& key, const span_type& s,
                                                                   const void* p) const noexcept {
    const bool mine = s.tag.load(std::memory_order_relaxed) == sealed_tag_ && offset_of(p) * s.magic < s.magic && s.countdown > 1;
    if (!mine || static_cast<const node*>(p)->marked(key)) return seal::broken;
    return seal::read(static_cast<const std::byte*>(p), s.block_size, seal_key_);
}

template <class Store>
bool heap<Store>::stays_sealed(const span_type& s, void* p, std::size_t size) const noexcept {
    if (!near_enough(s.block_size, size + seal::bytes)) return false;
    seal::put(static_cast<std::byte*>(p), size, s.block_size, seal_key_);
    return true;
}

/// A claim of nothing is none.
template <class Store>
[[gnu::always_inline]] inline bool heap<Store>::push_sealed(const std::uintptr_t& key, span_type& s, void* p,
                                                            block_claim claim) noexcept {
    const std::size_t size = sealed_size(key, s, p);
    const bool claimed = claim.size != 0 || claim.align != 0;
    if (size == seal::broken || (claimed && size != claim.size)) return false;
    auto* const block = static_cast<node*>(p);
    block->mark = node::encoded(block, key);
    block->link = s.free;
    s.free = block->mark;
    --s.countdown;
    return true;
}

/// @pre size + seal::bytes is at most PTRDIFF_MAX, align is a power of two. @returns a block with a seal, null when refused
template <class Store>
void* heap<Store>::allocate_hardened(std::size_t size, std::size_t align) noexcept {
    if (size > size_class_max - seal::bytes) return allocate_large(size, align, false);
    const std::size_t whole = size + seal::bytes;
    const bool usual = align <= size_class_step && whole <= small_class_limit;
    const std::size_t c = usual ? small_class(whole) : class_of_aligned_size(whole, align);
    if (void* p = guarded(size, align < size_class_step ? size_class_step : align)) return p;
    void* p = nullptr;
    if (heads_[c] == nullptr) {
        p = refill(c);
    } else {
        if (c >= first_cached) --cached_[c - first_cached];
        p = pop_checked(c);
    }
    if (p == nullptr) return nullptr;
    // A sampled one may be larger than its class.
    seal::put(static_cast<std::byte*>(p), size, store_->find(p)->block_size, seal_key_);
    return p;
}

/// Hands the first of the ready blocks out; one that was written to since it was freed is reported. @pre there is one
template <class Store>
void* heap<Store>::pop_checked(std::size_t c) noexcept {
    node* const block = heads_[c];
    heads_[c] = follow(block, c);  // what a broken link hid counts as out for ever
    const std::size_t bytes = size_of_class(c);
    bool intact = block->marked(key());
    if (store_->settings().harden == 2) {
        intact = intact && all_zero(reinterpret_cast<std::byte*>(block) + sizeof(node), bytes - sizeof(node));  // heap_hardened.I2
    }
    if (!intact) store_->report({misuse_kind::corrupted, "malloc", block, block, bytes});
    block->link = 0;
    block->clear_mark();
    return block;
}

/// Keeps a freed block out of use until quarantine_bytes of others were freed. @pre it is marked
template <class Store>
void heap<Store>::hold(span_type& s, node* block) noexcept {
    block->set_next(nullptr, key());
    if (last_held_ == nullptr) {
        first_held_ = block;
    } else {
        if (last_held_->next(key()) != nullptr) {
            store_->report({misuse_kind::corrupted, "free", last_held_, last_held_, store_->find(last_held_)->block_size});
        }
        last_held_->set_next(block, key());
    }
    last_held_ = block;
    held_bytes_ += s.block_size;
    let_go_down_to(store_->settings().quarantine_bytes.bytes());
}

/// Blocks that were held the longest go back to their spans; one that was written to is reported, and stays out.
template <class Store>
void heap<Store>::let_go_down_to(std::size_t bytes) noexcept {
    while (first_held_ != nullptr && held_bytes_ > bytes) {
        node* const block = first_held_;
        span_type& s = *store_->find(block);
        node* next = block->next(key());
        auto* const all = reinterpret_cast<const std::byte*>(block);
        const bool linked = next == nullptr ? block == last_held_ : node::plausible(next) && store_->find(next)->kind != span_kind::none;
        const bool intact = linked && block->marked(key()) && all_zero(all + sizeof(node), s.block_size - sizeof(node));
        first_held_ = linked ? next : nullptr;  // behind a link that was written over nothing can be found
        held_bytes_ = first_held_ == nullptr ? 0 : held_bytes_ - s.block_size;
        if (first_held_ == nullptr) last_held_ = nullptr;
        if (!intact) {
            store_->report({misuse_kind::corrupted, "free", block, block, s.block_size});
        } else if (s.owner.load(std::memory_order_relaxed) == this) {
            free_local(s, block);
        } else {
            send(s, block);
        }
    }
}

template <class Store>
bool heap<Store>::is_sealed(const Store& store, const span_type& s) noexcept {
    return store.settings().harden != 0 && s.kind != span_kind::guarded;
}

/// @returns false after a report that something was written behind the block
template <class Store>
bool heap<Store>::seal_holds(const Store& store, const span_type& s, void* p, const char* call) noexcept {
    if (!is_sealed(store, s)) return true;
    if (seal::read(static_cast<const std::byte*>(p), s.block_size, store.seal_key()) != seal::broken) return true;
    const bool many = s.kind == span_kind::small || s.kind == span_kind::medium;
    if (many && s.used() == 0) return true;  // nothing is in use there: that is said elsewhere
    const bool unused = many && static_cast<std::byte*>(p) >= s.start + s.carved() * s.block_size;
    store.report({unused ? misuse_kind::unused : misuse_kind::overrun, call, p, p, s.block_size});
    return false;
}

/// The same as resized_in_place, of a block with a seal, which then is where the new size wants it.
template <class Store>
bool heap<Store>::resized_with_seal(Store& store, span_type& s, void* p, std::size_t size) noexcept {
    const std::size_t old = s.block_size, whole = size + seal::bytes;
    const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
    const bool stays = near_enough(old, whole) && old - size <= seal::most_slack;
    if (!stays && !(large && whole > size_class_max && store.resize_large(&s, whole))) return false;
    seal::put(large ? s.start : static_cast<std::byte*>(p), size, s.block_size, store.seal_key());
    return true;
}

template <class Store>
std::size_t heap<Store>::bytes_of(const Store& store, const span_type& s, const std::byte* block) noexcept {
    if (!is_sealed(store, s)) return span_bytes_of(s, block);
    const std::size_t size = seal::read(block, s.block_size, store.seal_key());
    return size != seal::broken ? size : s.block_size - seal::bytes;
}

/// Cuts blocks and deals them into two runs, of which the second is linked behind the first: which of its neighbours a
/// block comes before cannot be foreseen, and each run ascends, as caches like it. @returns the first
template <class Store>
[[gnu::noinline]] auto heap<Store>::carve_hardened(const span_type& s, std::byte* from, std::size_t count) noexcept -> node* {
    const std::size_t size = s.block_size;
    const bool clear = store_->settings().harden == 2 && !s.reads_as_zero(static_cast<std::size_t>(from - s.start));
    node* first[2] = {};
    node* last[2] = {};
    std::uint64_t chances = 0;
    for (std::size_t i = 0; i < count; ++i, from += size, chances >>= 1) {
        if (i % 32 == 0) chances = ((reinterpret_cast<std::uintptr_t>(from) + refills_) * key() ^ seal_key_) * 0x9e3779b97f4a7c15u >> 32;
        if (clear) std::memset(from + sizeof(node), 0, size - sizeof(node));  // heap_hardened.I2
        auto* const block = reinterpret_cast<node*>(from);
        block->set_mark(key());  // never granted is as good as free
        const std::size_t run = chances & 1;
        last[run] == nullptr ? static_cast<void>(first[run] = block) : last[run]->set_next(block, key());
        last[run] = block;
    }
    if (last[1] != nullptr) last[1]->set_next(nullptr, key());
    if (last[0] != nullptr) last[0]->set_next(first[1], key());
    return first[0] != nullptr ? first[0] : first[1];
}

}  // namespace ashlar::malloc
