// ashlar/malloc/heap_hardened.hpp - heap: how blocks are handed out when `harden` asks for more than the default checks.
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
        const auto j = static_cast<std::uint32_t>((state >> 33) % (i + 1));
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
