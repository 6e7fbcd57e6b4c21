// ashlar/malloc/statistics.hpp - counts of everything, taken when they are asked for.
//
// Layer:      malloc
// Picture:    spans --  for_each_span, under the store's lock  --> statistics: totals, one row a size class
//                                                              \-> heap_counts of the heap that owns the span
// Complexity: O(spans + heaps); the allocation paths count nothing but whole refills.
// Failure:    none.
// Threads:    any, while others run: no span appears or vanishes meanwhile. Blocks that threads take and give back at
//             that moment are counted before or after; those that other threads hold ready in their lists count as
//             live, but for those of `mine`.
// Invariants: statistics.I1  the rows of the classes and of `large` add up to live_blocks, live_bytes, free_bytes
// Checked by: tests/malloc/statistics_test.cpp
//
// One source of figures: text, JSON, XML, mallinfo and reading by name print what is counted here.
#pragma once

#include <cstdint>
#include <string_view>

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

struct class_counts {
    std::uint64_t allocations = 0;
    std::uint64_t live = 0;       ///< blocks granted and not freed
    std::uint64_t free = 0;       ///< blocks in the lists of spans
    std::uint64_t under_way = 0;  ///< blocks that other threads freed, on their way home
    std::uint64_t spans = 0;
    std::uint64_t span_bytes = 0;  ///< address space of these spans
};

struct statistics {
    static constexpr std::size_t rows = size_class_count + 8;
    class_counts classes[rows]{};         ///< the usual ones, then those that were added while the program ran
    std::uint64_t class_bytes[rows]{};    ///< of their blocks; 0: there is no such class
    class_counts large{};
    class_counts routed{};  ///< pools and arenas of chosen call sites, whatever the sizes (routes.hpp)
    std::uint64_t routed_bytes = 0;  ///< of those that are live
    std::uint64_t allocations = 0;
    std::uint64_t live_blocks = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t under_way_blocks = 0;
    std::uint64_t under_way_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t peak_used_bytes = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t dirty_bytes = 0;
    std::uint64_t cached_bytes = 0;
    std::uint64_t mapped_blocks = 0;
    std::uint64_t mapped_bytes = 0;
    std::uint64_t purged_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t record_bytes = 0;
    std::uint64_t heaps = 0;
    std::uint64_t shared_heaps = 0;
};

/// What a figure is called, for whoever prints it or asks for it by name.
struct statistic {
    std::string_view key;
    std::string_view words;
    std::uint64_t statistics::*value;
    bool bytes;
};

inline constexpr statistic statistic_table[] = {
    {"allocations", "blocks granted", &statistics::allocations, false},
    {"live_blocks", "of them live", &statistics::live_blocks, false},
    {"live_bytes", "live", &statistics::live_bytes, true},
    {"free_bytes", "free in the lists of spans", &statistics::free_bytes, true},
    {"under_way_blocks", "freed by other threads, on their way home", &statistics::under_way_blocks, false},
    {"under_way_bytes", "in them", &statistics::under_way_bytes, true},
    {"used_bytes", "in spans and mappings", &statistics::used_bytes, true},
    {"peak_used_bytes", "the most of that", &statistics::peak_used_bytes, true},
    {"resident_bytes", "resident, about", &statistics::resident_bytes, true},
    {"dirty_bytes", "of it free, kept for reuse", &statistics::dirty_bytes, true},
    {"cached_bytes", "of that in the cache of large blocks", &statistics::cached_bytes, true},
    {"mapped_blocks", "blocks that are mappings of their own", &statistics::mapped_blocks, false},
    {"mapped_bytes", "in them", &statistics::mapped_bytes, true},
    {"purged_bytes", "given back so far", &statistics::purged_bytes, true},
    {"reserved_bytes", "address space reserved", &statistics::reserved_bytes, true},
    {"record_bytes", "of it for records", &statistics::record_bytes, true},
    {"heaps", "heaps of threads", &statistics::heaps, false},
    {"shared_heaps", "heaps made by the program", &statistics::shared_heaps, false},
};

namespace detail {

/// @returns blocks of a span that are out, as far as can be told while its owner runs
template <class Span>
std::uint64_t out_of(const Span& s) noexcept {
    const std::uint64_t out = std::uint64_t{glance(s.countdown)} + glance(s.held);
    return out < s.carved() ? out : s.carved();  // between two stores of the owner the sum may be too large
}

/// Of a chunk: nobody counts its bytes, so the blocks are visited.
template <class Heap, class Span>
void count_chunk(const Span& s, statistics& out) noexcept {
    auto* const owner = static_cast<Heap*>(s.owner.load(std::memory_order_relaxed));
    std::uint64_t blocks = 0, bytes = 0;
    Heap::for_each_in_chunk(owner->store(), s, [&](std::byte*, std::size_t size) {
        ++blocks;
        bytes += size;
        return true;
    });
    ++out.routed.spans;
    out.routed.span_bytes += slice_size;
    out.routed.live += blocks;
    out.routed_bytes += bytes;
    heap_counts& of = owner->figures();
    ++of.spans;
    of.span_bytes += slice_size;
    of.live_blocks += blocks;
    of.live_bytes += bytes;
}

template <class Heap, class Span>
void count_span(const Span& s, statistics& out) noexcept {
    if (s.ended) return;  // addresses, and no memory
    auto* const owner = static_cast<Heap*>(s.owner.load(std::memory_order_relaxed));
    const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
    const bool routed = s.size_class >= statistics::rows;
    class_counts& into = large ? out.large : routed ? out.routed : out.classes[s.size_class];
    if constexpr (Heap::routes != 0) {
        if (s.kind == span_kind::arena) return count_chunk<Heap>(s, out);
    }
    const std::uint64_t used = large ? 1 : out_of(s);
    const std::uint64_t home = large ? 0 : s.remote.count();
    const std::uint64_t live = used > home ? used - home : 0;
    const std::uint64_t free = large ? 0 : s.carved() - used;
    const std::uint64_t bytes = s.kind == span_kind::mapped ? s.block_size : s.slices * slice_size;
    if (s.kind != span_kind::guarded) ++into.spans;  // its pages are counted with no span
    into.span_bytes += bytes;
    into.live += live;
    into.free += free;
    into.under_way += home;
    out.free_bytes += free * s.block_size;
    out.under_way_blocks += home;
    out.under_way_bytes += home * s.block_size;
    if (large) out.live_bytes += s.block_size;
    if (routed) out.routed_bytes += live * s.block_size;
    if (s.kind == span_kind::mapped) {
        ++out.mapped_blocks;
        out.mapped_bytes += s.block_size;
    }
    if (owner == nullptr) return;
    heap_counts& of = owner->figures();
    ++of.spans;
    of.span_bytes += bytes;
    of.live_blocks += live;
    of.live_bytes += live * s.block_size;
    of.free_bytes += free * s.block_size;
    of.under_way_bytes += home * s.block_size;
}

}  // namespace detail

/// Fills `out`, and the figures of every heap (figures_of). `mine` is the calling thread's heap: what it holds ready is
/// not live. Null if it has none. Of other threads' heaps that is known for the larger classes alone.
template <class Heap, class Store>
void collect(Store& store, const heap_registry<Heap>& registry, const Heap* mine, statistics& out) noexcept {
    std::uint64_t ready_of[statistics::rows]{}, ready_routed = 0, ready_routed_bytes = 0;
    static_assert(statistics::rows == Store::first_route);
    {
        const holding guard(store.lock());
        for (std::size_t c = 0; c < statistics::rows; ++c) out.class_bytes[c] = store.size_of(c);
        for (Heap* h = registry.first(); h != nullptr; h = registry.next_of(*h)) {
            (h->state() == heap_state::shared ? out.shared_heaps : out.heaps) += 1;
            h->figures() = {};
            for (std::size_t c = statistics::rows; c < Heap::class_count; ++c) {
                const std::uint64_t handed = detail::glance(h->counts().handed[c]);
                out.routed.allocations += handed;
                h->figures().allocations += handed;
                if (h == mine) ready_routed += h->ready(c), ready_routed_bytes += h->ready(c) * store.size_of(c);
            }
            for (std::size_t c = 0; c < statistics::rows; ++c) {
                const std::uint64_t handed = detail::glance(h->counts().handed[c]);
                out.classes[c].allocations += handed;
                h->figures().allocations += handed;
                ready_of[c] += h == mine ? h->ready(c) : detail::glance(h->kept(c));
            }
        }
        store.for_each_span([&](const auto& s) { detail::count_span<Heap>(s, out); });
        out.large.allocations = store.large_taken();
        out.used_bytes = store.slices().used() * slice_size + store.large().live() + store.guards().live();
        out.peak_used_bytes = store.peak_bytes();
        out.cached_bytes = store.large().cached();
        out.dirty_bytes = store.slices().dirty() + out.cached_bytes;
        out.resident_bytes = store.resident_bytes();
        out.purged_bytes = store.purged_bytes();
        out.record_bytes = store.meta().reserved();
        out.reserved_bytes = store.slices().reserved() + out.record_bytes;
    }
    out.allocations = out.large.allocations;  // from here on sums of the rows (statistics.I1)
    out.live_blocks = out.large.live;
    out.routed.live -= ready_routed;
    out.routed.free += ready_routed;
    out.routed_bytes -= ready_routed_bytes;
    out.free_bytes += ready_routed_bytes;
    out.routed.allocations -= ready_routed;
    out.allocations += out.routed.allocations;
    out.live_blocks += out.routed.live;
    out.live_bytes += out.routed_bytes;
    for (std::size_t c = 0; c < statistics::rows; ++c) {
        std::uint64_t ready = ready_of[c];
        class_counts& counts = out.classes[c];
        if (ready > counts.live) ready = counts.live;
        counts.live -= ready;
        counts.free += ready;
        counts.allocations -= ready < counts.allocations ? ready : counts.allocations;
        out.allocations += counts.allocations;
        out.live_blocks += counts.live;
        out.live_bytes += counts.live * out.class_bytes[c];
        out.free_bytes += ready * out.class_bytes[c];
    }
}

/// @returns what the latest collect counted of one heap
template <class Heap, class Store>
heap_counts figures_of(Store& store, Heap& h) noexcept {
    const holding guard(store.lock());
    return h.figures();
}

}  // namespace ashlar::malloc
