// ashlar/realtime/low_latency_allocator.hpp - many threads on preallocated memory: each has blocks of its own, none takes a lock.
//
// Layer:      realtime
// Source:     Bonwick and Adams, "Magazines and Vmem", USENIX 2001, over pools of powers of two (Kingsley's malloc of 4.2BSD).
// Picture:    threads   [ cache ] [ cache ] [ cache ]        compose/thread_cached: up to 1 KiB a block
//             pools     64 | 128 | 256 | ... | 8192          shared_index_pool each, side by side in one memory
// Complexity: O(1). From the thread's cache: no atomic operation. Else one operation of a shared pool, of two where the first
//             is used up: at most twice its Tries. A block that another thread was granted goes into the cache of the
//             thread that frees it, and where that is full to its pool: one operation.
// Failure:    refuses above 8 KiB or alignment 16, and when the pool of the size and the next one are used up, what
//             this thread keeps given back before. Nothing is ever taken from the system.
// Threads:    any number; a thread that ends gives back what it keeps. The first use of a thread takes the lock of
//             thread_cached.hpp once and a block for its cache: let it happen before it matters (attach).
// Invariants: low_latency_allocator.I1  a block goes back to the pool whose memory it lies in
// Checked by: tests/realtime/low_latency_allocator_test.cpp, tests/budgets/realtime.cpp
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include "ashlar/compose/thread_cached.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"

namespace ashlar {

/// The shared part: pools of 64, 128, ... 8,192 bytes.
class pool_row {
    static constexpr std::size_t least = 64;

public:
    static constexpr std::size_t classes = 8;
    using counts = std::array<std::size_t, classes>;  ///< blocks of each, from the smallest
    static constexpr bool is_thread_safe = true;
    static constexpr std::size_t largest = least << (classes - 1);

    /// @pre the memory outlives the row
    pool_row(block memory, const counts& blocks) noexcept : pool_row(memory, blocks, std::make_index_sequence<classes>{}) {}
    pool_row(const pool_row&) = delete;
    pool_row& operator=(const pool_row&) = delete;

    /// Bytes of memory for so many blocks of each.
    static constexpr std::size_t memory_bytes(const counts& blocks) noexcept { return bytes_of(blocks, classes); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t first = class_of(l);
        result<block> granted = alloc_error{};
        if (first != classes) on(first, [&](auto& pool) { granted = pool.allocate(l); });
        if (!granted && first + 1 < classes) on(first + 1, [&](auto& pool) { granted = pool.allocate(l); });
        // No longer than its class: whatever size it comes back with leads to the same pools.
        return granted ? result<block>(block{granted->data, least << first}) : granted;
    }
    void deallocate(std::byte* p, layout l) noexcept {
        const std::size_t first = class_of(l);
        ASHLAR_PRE(first != classes);
        bool done = false;
        const auto give = [&](auto& pool) {
            if ((done = pool.owns(p))) pool.deallocate(p, l);  // low_latency_allocator.I1
        };
        on(first, give);
        if (!done && first + 1 < classes) on(first + 1, give);
        ASHLAR_PRE(done);
    }
    bool available(layout l) const noexcept {
        const std::size_t first = class_of(l);
        bool some = false;
        const auto ask = [&](const auto& pool) { some = some || pool.available(l); };
        if (first != classes) on(first, ask);
        if (first + 1 < classes) on(first + 1, ask);
        return some;
    }
    bool owns(const std::byte* p) const noexcept {
        bool mine = false;
        for (std::size_t c = 0; c < classes; ++c) on(c, [&](const auto& pool) { mine = mine || pool.owns(p); });
        return mine;
    }

private:
    template <std::size_t Class>
    using pool_of = shared_index_pool<(least << Class), 16>;
    template <std::size_t... Class>
    static std::tuple<pool_of<Class>...> made(std::index_sequence<Class...>);
    using pools = decltype(made(std::make_index_sequence<classes>{}));

    template <std::size_t... Class>
    pool_row(block memory, const counts& blocks, std::index_sequence<Class...>) noexcept
        : pools_(block{memory.data + bytes_of(blocks, Class), bytes_of(blocks, Class + 1) - bytes_of(blocks, Class)}...) {
        ASHLAR_PRE(memory.size >= memory_bytes(blocks));
    }
    /// Bytes of the first so many pools.
    static constexpr std::size_t bytes_of(const counts& blocks, std::size_t classes_before) noexcept {
        std::size_t sum = 0;
        [&]<std::size_t... Class>(std::index_sequence<Class...>) {
            ((sum += Class < classes_before ? align_up(pool_of<Class>::memory_bytes(blocks[Class]), least) : 0), ...);
        }(std::make_index_sequence<classes>{});
        return sum;
    }
    static std::size_t class_of(layout l) noexcept {
        if (l.size() > largest || l.align() > 16) return classes;
        return l.size() <= least ? 0 : static_cast<std::size_t>(63 ^ __builtin_clzll(l.size() - 1)) - 5;
    }
    /// Calls act with the pool of that class.
    template <class Act, std::size_t Class = 0>
    void on(std::size_t c, Act act) const noexcept {
        if constexpr (Class < classes) {
            if (c == Class) return act(std::get<Class>(pools_));
            on<Act, Class + 1>(c, act);
        }
    }

    mutable pools pools_;
};

/// Depth: how many blocks of a size class a thread keeps.
template <std::size_t Depth = 16>
class low_latency_allocator : pool_row, public thread_cached<pool_row, Depth, 1024> {
    using cached = thread_cached<pool_row, Depth, 1024>;

public:
    using pool_row::counts;
    using pool_row::memory_bytes;
    using cached::allocate;
    using cached::deallocate;
    using cached::is_thread_safe;
    using cached::owns;

    /// @pre the memory outlives the allocator; every thread that used it has ended or uses it no more when it ends
    low_latency_allocator(block memory, const counts& blocks) noexcept
        : pool_row(memory, blocks), cached(static_cast<pool_row&>(*this)) {}

    /// This thread's cache is made now. @returns false where no block is left for it: it then works without
    bool attach() noexcept {
        const layout l = *layout::make(64, 16);
        const auto granted = allocate(l);
        if (granted) deallocate(granted->data, l);
        return granted.has_value();
    }
};

}  // namespace ashlar
