// ashlar/malloc/heap_hardened.hpp - heap: how blocks are handed out and kept back when `harden` or `guard_samples` ask for more checks.
//
// Layer:      malloc
// Source:     snmalloc, docs/security (randomised order, late reuse); hardened_malloc (freed memory is zero until reuse).
// Picture:    span.ready -> block -> block    handed out one by one, each looked at
//             span.free  -> block -> block    freed since; becomes `ready` when that is empty and nothing is left to cut
// Complexity: O(1) a block; with harden = 2 O(its size).
// Failure:    as heap.hpp. A block that was written to is reported; what its link hid stays out.
// Threads:    as heap.hpp.
// Invariants: heap_hardened.I1  heads_ stay empty and spans closed: every malloc and free takes the slow path
//             heap_hardened.I2  with harden = 2, blocks in ready and free are zero behind their first two words
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
void* heap<Store>::pop_sealed(std::size_t size) noexcept {
    if (!seals_ || size > small_class_limit - seal::bytes) return nullptr;
    const std::size_t whole = size + seal::bytes;
    const visit inside(registry_->gate(), inside_);  // who forks counts what is ready (heap_fork.hpp)
    span_type* const s = partial_[small_class(whole)].front();
    if (s == nullptr || s->ready == 0 || (refills_ & 63) == 63 || store_->sampler() != nullptr) return nullptr;
    if (guard_turn_ + 1 >= store_->guard_pace()) return nullptr;
    void* const p = pop_ready(*s);
    if (p == nullptr) return nullptr;
    ++refills_;
    ++guard_turn_;
    seal::put(static_cast<std::byte*>(p), size, s->block_size, key());
    return p;
}

/// A claim without an alignment is none.
template <class Store>
bool heap<Store>::push_sealed(void* p, block_claim claim) noexcept {
    if (!seals_) return false;
    span_type& s = *store_->find(p);
    const bool small = offset_of(p) * s.magic < s.magic;
    if (!small || s.owner.load(std::memory_order_relaxed) != this || s.countdown <= 1) return false;
    auto* const block = static_cast<node*>(p);
    const std::uintptr_t word = node::encoded(block, key());
    const std::size_t size = seal::read(static_cast<const std::byte*>(p), s.block_size, key());
    if (block->mark == word || size == seal::broken || (claim.align != 0 && size != claim.size)) return false;
    block->mark = word;
    block->link = s.free;
    s.free = word;
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
    span_type* s = partial_[c].front();
    void* p = nullptr;
    if (s != nullptr && s->ready != 0 && (refills_ & 63) != 63 && store_->sampler() == nullptr) p = pop_ready(*s);
    if (p != nullptr) {
        ++refills_;
    } else {
        p = refill(c);
        if (p == nullptr) return nullptr;
        s = store_->find(p);  // a sampled one may be larger
    }
    seal::put(static_cast<std::byte*>(p), size, s->block_size, key());
    return p;
}

/// The front of the blocks that are ready, looked at. @returns null when there is more to be done or said about it
template <class Store>
void* heap<Store>::pop_ready(span_type& s) noexcept {
    if (s.used() == 0 || store_->settings().harden == 2) return nullptr;
    node* const block = s.at_place(s.ready);
    node* const next = block->next(key());
    const auto offset = static_cast<std::size_t>(reinterpret_cast<std::byte*>(next) - s.start);
    if (!block->marked(key())) return nullptr;
    if (next != nullptr && (offset >= s.slices * slice_size || offset % 16 != 0)) return nullptr;  // follow says what it is
    s.ready = s.place_of(next);
    ++s.countdown;
    ++tally_.handed[s.size_class];
    block->link = 0;
    block->clear_mark();
    return block;
}

template <class Store>
[[gnu::noinline]] void* heap<Store>::refill_hardened(std::size_t c) noexcept {
    span_type* const s = usable_span(c);
    if (s == nullptr) return nullptr;
    if (s->used() == 0 && s->carved() != 0) kept_ -= s->carved() * s->block_size;  // it was kept empty
    const bool all_bytes = store_->settings().harden == 2;
    if (s->ready == 0 && !refill_ready(*s, all_bytes)) return nullptr;
    node* const block = s->at_place(s->ready);
    bool intact = block->marked(key());
    ++s->countdown;
    const bool ends = block->next(key()) == nullptr;
    s->ready = s->place_of(follow(block, c));
    if (s->ready == 0 && !ends) s->countdown = s->carved() - reachable(*s);  // what it hid counts as out for ever
    ++tally_.handed[c];
    zero_[c] = false;
    auto* const bytes = reinterpret_cast<std::byte*>(block);
    if (all_bytes) intact = intact && all_zero(bytes + sizeof(node), s->block_size - sizeof(node));  // heap_hardened.I2
    if (!intact) store_->report({misuse_kind::corrupted, "malloc", block, block, s->block_size});
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
    if (seal::read(static_cast<const std::byte*>(p), s.block_size, store.key()) != seal::broken) return true;
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
    seal::put(large ? s.start : static_cast<std::byte*>(p), size, s.block_size, store.key());
    return true;
}

template <class Store>
std::size_t heap<Store>::bytes_of(const Store& store, const span_type& s, const std::byte* block) noexcept {
    if (!is_sealed(store, s)) return s.block_size;
    const std::size_t size = seal::read(block, s.block_size, store.key());
    return size != seal::broken ? size : s.block_size - seal::bytes;
}

/// How many blocks of its free list can be reached.
template <class Store>
std::uint32_t heap<Store>::reachable(const span_type& s) noexcept {
    std::uint32_t n = 0;
    for (node* p = node::decoded(s.free, key()); p != nullptr && n < s.carved() && store_->find(p) == &s; p = p->next(key())) ++n;
    return n;
}

/// Cuts new blocks as long as there are any: what was freed is used again as late as can be.
template <class Store>
bool heap<Store>::refill_ready(span_type& s, bool all_bytes) noexcept {
    const std::uint32_t before = s.carved();
    node* const cut = s.extendable() ? carve(s) : nullptr;
    if (cut != nullptr) {
        const std::uint32_t count = s.carved() - before;
        if (all_bytes) {
            auto* p = reinterpret_cast<std::byte*>(cut);
            for (std::uint32_t i = 0; i < count; ++i, p += s.block_size) {
                std::memset(p + sizeof(node), 0, s.block_size - sizeof(node));
            }
        }
        s.ready = s.place_of(shuffled(cut, count, s.block_size));
        return true;
    }
    const std::uintptr_t none = node::encoded(nullptr, key());
    if (s.free == none) return false;
    s.ready = s.place_of(node::decoded(s.free, key()));
    s.free = none;
    return true;
}

/// Links neighbours in an order that cannot be foreseen. @returns the first
template <class Store>
auto heap<Store>::shuffled(node* first, std::uint32_t count, std::size_t size) noexcept -> node* {
    constexpr std::uint32_t most = 512;
    std::uint16_t order[most];
    if (count > most) return first;
    std::uint64_t state = (reinterpret_cast<std::uintptr_t>(first) ^ key()) + refills_;
    for (std::uint32_t i = 0; i < count; ++i) {
        state = (state ^ (state >> 31)) * 0x9e3779b97f4a7c15u;
        const auto j = static_cast<std::uint32_t>((state >> 32) * (i + 1) >> 32);
        order[i] = order[j];
        order[j] = static_cast<std::uint16_t>(i);
    }
    auto* const base = reinterpret_cast<std::byte*>(first);
    node* next = nullptr;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto* const block = reinterpret_cast<node*>(base + order[i] * size);
        block->set_next(next, key());
        next = block;
    }
    return next;
}

}  // namespace ashlar::malloc
