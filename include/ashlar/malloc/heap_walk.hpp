// ashlar/malloc/heap_walk.hpp - every block in use, and whose an address is.
//
// Layer:      malloc
// Picture:    record after record: [ lock: is it in use, which of its places are free | unlock ] -> visit its blocks
// Complexity: walk: O(records and blocks). owner_of: two loads and a division; mappings that the map has not: O(those).
// Failure:    none.
// Threads:    any, while others run. No lock is held while a block is visited: the visitor may allocate and free.
//             A span is looked at in one moment, each in another one. Blocks granted or freed by other threads around
//             that moment may be seen or not. All else is seen exactly once, as long as programs write into no freed
//             block, and not by chance the mark of a free block into one in use (1 in 2^64).
// Checked by: tests/malloc/heap_walk_test.cpp, tests/malloc/program/walked.cpp
#pragma once

#include "ashlar/malloc/heap.hpp"
#include "ashlar/malloc/statistics.hpp"

namespace ashlar::malloc {

/// What is known of an address.
template <class Store>
struct block_place {
    std::byte* start = nullptr;  ///< of the block around it; null: no block of this malloc
    std::size_t size = 0;        ///< usable bytes
    heap<Store>* owner = nullptr;  ///< null for large blocks that belong to no heap of the program
    bool carved = false;         ///< false: it lies where no block has been granted yet
    explicit operator bool() const noexcept { return start != nullptr; }
};

template <class Store>
block_place<Store> owner_of(Store& store, const void* p) noexcept {
    const auto* const s = store.find_slowly(p);
    if (s->kind == span_kind::none || s->ended) return {};
    const auto* const address = static_cast<const std::byte*>(p);
    if constexpr (Store::routes != 0) {
        if (s->kind == span_kind::arena) {
            block_place<Store> found;
            heap<Store>::for_each_in_chunk(store, *s, [&](std::byte* block, std::size_t size) {
                if (address < block || address >= block + size) return true;
                found = {block, size, static_cast<heap<Store>*>(s->owner.load(std::memory_order_relaxed)), true};
                return false;
            });
            return found;
        }
    }
    const bool many = s->kind == span_kind::small || s->kind == span_kind::medium;
    const std::size_t at = static_cast<std::size_t>(address - s->start) / s->block_size;
    if (at >= (many ? s->capacity : 1u)) return {};  // behind the last block
    return {s->start + at * s->block_size, heap<Store>::bytes_of(store, *s, s->start + at * s->block_size),
            static_cast<heap<Store>*>(s->owner.load(std::memory_order_relaxed)), !many || at < s->carved()};
}

/// Calls visit(address, size, owner) for every block in use; of one heap alone if `of` is not null.
/// @returns false when the visitor returned false, which ends the walk
template <class Store, class Visit>
bool walk_blocks(Store& store, const heap<Store>* of, Visit visit) noexcept {
    return store.for_each_record([&](auto& s) noexcept {
        struct {
            std::byte* start;
            std::size_t size, count;
            heap<Store>* owner;
            bool sealed;
        } seen{};
        bool arena = false;
        std::uint64_t used[64]{};  // 4096 places: a slice of blocks of 16 bytes
        {
            const holding guard(store.lock());
            if (s.kind == span_kind::none || s.ended) return true;
            auto* const owner = static_cast<heap<Store>*>(s.owner.load(std::memory_order_relaxed));
            if (of != nullptr && owner != of) return true;
            const bool many = s.kind == span_kind::small || s.kind == span_kind::medium;
            arena = s.kind == span_kind::arena;
            seen = {s.start, s.block_size, many || arena ? s.carved() : 1u, owner, heap<Store>::is_sealed(store, s)};
            if (arena) {
                if constexpr (Store::routes != 0) {
                    heap<Store>::for_each_in_chunk(store, s, [&](std::byte* block, std::size_t) {
                        const auto i = static_cast<std::size_t>(block - s.start) / seen.size;
                        used[i / 64] |= std::uint64_t{1} << (i % 64);
                        return true;
                    });
                }
            } else if (many) {
                using node = typename Store::span_type::node;
                for (std::size_t i = 0; i < seen.count; ++i) {  // free blocks are marked (encoded_link.I1)
                    const auto& block = *reinterpret_cast<const node*>(seen.start + i * seen.size);
                    const bool is_free = detail::glance(block.mark) == node::encoded(&block, store.key());
                    used[i / 64] |= std::uint64_t{!is_free} << (i % 64);
                }
            } else {
                used[0] = 1;
            }
        }
        for (std::size_t i = 0; i < seen.count; ++i) {
            if ((used[i / 64] >> (i % 64) & 1) == 0) continue;
            std::byte* const block = seen.start + i * seen.size;
            std::size_t size = seen.sealed ? seal::read(block, seen.size, store.seal_key()) : seen.size;
            if (size == seal::broken) size = seen.size - seal::bytes;
            if (arena) size = chunk_starts(seen.start).size_at(i * seen.size);
            if (!visit(block, size, seen.owner)) return false;
        }
        return true;
    });
}

}  // namespace ashlar::malloc
