// ashlar/malloc/statistics.hpp - counts of everything, taken when they are asked for.
//
// Layer:      malloc
// Complexity: O(spans + heaps); the allocation paths count nothing but whole refills.
// Failure:    none.
// Threads:    any. Threads that run meanwhile are counted at slightly different moments, and the blocks they hold
//             ready in their lists count as live, but for those of `mine`.
// Checked by: tests/malloc/statistics_test.cpp
#pragma once

#include <cstdint>

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

struct class_counts {
    std::uint64_t allocations = 0;
    std::uint64_t live = 0;
    std::uint64_t spans = 0;
};

struct statistics {
    class_counts classes[size_class_count]{};
    class_counts large{};
    std::uint64_t live_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t peak_used_bytes = 0;
    std::uint64_t dirty_bytes = 0;
    std::uint64_t purged_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t record_bytes = 0;
    std::uint64_t heaps = 0;

    std::uint64_t allocations() const noexcept {
        std::uint64_t sum = large.allocations;
        for (const class_counts& c : classes) sum += c.allocations;
        return sum;
    }
    std::uint64_t live_blocks() const noexcept {
        std::uint64_t sum = large.live;
        for (const class_counts& c : classes) sum += c.live;
        return sum;
    }
};

/// `mine` is the calling thread's heap: what it holds ready is not live. Null if it has none.
template <class Heap, class Store>
void collect(Store& store, const heap_registry<Heap>& registry, const Heap* mine, statistics& out) noexcept {
    for (const Heap* h = registry.first(); h != nullptr; h = registry.next_of(*h)) {
        ++out.heaps;
        for (std::size_t c = 0; c < size_class_count; ++c) out.classes[c].allocations += h->counts().handed[c];
    }
    {
        const holding guard(store.lock());
        store.for_each_span([&](const auto& s) {
            const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
            class_counts& into = large ? out.large : out.classes[s.size_class];
            ++into.spans;
            const std::uint64_t used = s.used();
            const std::uint64_t home = s.remote.count();  // freed, and not collected yet
            into.live += large ? 1 : used > home ? used - home : 0;
            if (large) out.live_bytes += s.block_size;
        });
        out.large.allocations = store.large_taken();
        out.used_bytes = store.slices().used() * slice_size + store.large().live();
        out.peak_used_bytes = store.peak_bytes();
        out.dirty_bytes = store.slices().dirty() * slice_size + store.large().cached();
        out.purged_bytes = store.purged_bytes();
        out.record_bytes = store.meta().reserved();
        out.reserved_bytes = store.slices().reserved() + out.record_bytes;
    }
    for (std::size_t c = 0; c < size_class_count; ++c) {
        std::uint64_t ready = 0;
        if (mine != nullptr) {
            for (auto* block = mine->head_of(c); block != nullptr; block = block->next) ++ready;
        }
        class_counts& counts = out.classes[c];
        counts.live -= ready < counts.live ? ready : counts.live;
        counts.allocations -= ready < counts.allocations ? ready : counts.allocations;
        out.live_bytes += counts.live * size_of_class(c);
    }
}

}  // namespace ashlar::malloc
