// Scenarios of the shared pools and the static bump: blocks go from thread to thread, and what is written in one by two that do
// not know of each other is a data race.
#pragma once

#include <new>

#include "ashlar/realtime/latency_histogram.hpp"
#include "ashlar/realtime/shared_bitmap_pool.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"
#include "ashlar/strategy/static_bump.hpp"

namespace orders {

/// A block that was granted: its word is written, so that another holder is seen.
template <class P, class Pool>
bool use_once(Pool& pool, std::uint64_t mine, ashlar::layout l = ashlar::layout::of<std::uint64_t>()) {
    const auto granted = pool.allocate(l);
    if (!granted) return false;
    auto* const word = ::new (granted->data) typename P::template plain<std::uint64_t>(mine);
    P::expect(*word == mine, "the block is its holder's alone");
    pool.deallocate(granted->data, l);
    return true;
}

template <class P, unsigned Threads, unsigned Rounds, template <class> class PoolOf, unsigned Blocks>
struct pool_users {
    static constexpr unsigned threads = Threads;
    using pool_type = PoolOf<P>;
    alignas(64) std::byte memory[pool_type::memory_bytes(Blocks) + 64];
    pool_type pool{ashlar::block{memory, sizeof memory}};

    void run(unsigned thread) {
        for (unsigned round = 0; round < Rounds; ++round) use_once<P>(pool, thread * 10 + round);
    }
    void finish() {
        const auto l = ashlar::layout::of<std::uint64_t>();
        for (std::size_t i = 0; i < pool.capacity(); ++i) P::expect(bool(pool.allocate(l)), "no block is lost");
        P::expect(!pool.allocate(l), "no block is free twice");
    }
};
template <class P>
using bitmap_pool = ashlar::shared_bitmap_pool<8, 8, P>;
template <class P>
using index_pool = ashlar::shared_index_pool<8, 8, 16, 64, P>;
template <class P>
using spilling_pool = ashlar::shared_index_pool<8, 8, 16, 1, P>;

/// One thread holds two blocks at once, and gives them back in the order in which another one takes them.
template <class P, template <class> class PoolOf>
struct pool_two_held {
    static constexpr unsigned threads = 2;
    using pool_type = PoolOf<P>;
    using word = typename P::template plain<std::uint64_t>;
    alignas(64) std::byte memory[pool_type::memory_bytes(2) + 64];
    pool_type pool{ashlar::block{memory, sizeof memory}};

    void run(unsigned thread) {
        const auto l = ashlar::layout::of<std::uint64_t>();
        const auto a = pool.allocate(l), b = pool.allocate(l);
        if (a) ::new (a->data) word(thread);
        if (b) ::new (b->data) word(thread);
        if (a) pool.deallocate(a->data, l);
        if (b) pool.deallocate(b->data, l);
    }
    void finish() {
        const auto l = ashlar::layout::of<std::uint64_t>();
        for (std::size_t i = 0; i < pool.capacity(); ++i) P::expect(bool(pool.allocate(l)), "no block is lost");
    }
};

template <class P, unsigned Threads, unsigned Rounds>
struct bump_users {
    static constexpr unsigned threads = Threads;
    ashlar::static_bump<32, 16, P> bump;
    void run(unsigned thread) {
        for (unsigned round = 0; round < Rounds; ++round) use_once<P>(bump, thread * 10 + round);
    }
    void finish() { P::expect(bump.room() == bump.capacity(), "when no block is live no unit is used"); }
};
/// The newest block takes and gives the bytes behind it, which the other thread may be granted.
template <class P>
struct bump_resized {
    static constexpr unsigned threads = 2;
    using word = typename P::template plain<std::uint64_t>;
    ashlar::static_bump<32, 16, P> bump;
    void run(unsigned thread) {
        const auto small = ashlar::layout::of<std::uint64_t>();
        const auto large = *ashlar::layout::make(32, small.align());
        if (thread == 1) return static_cast<void>(use_once<P>(bump, 1));
        const auto granted = bump.allocate(small);
        if (!granted) return;
        if (!bump.grow_in_place(granted->data, small, large)) return bump.deallocate(granted->data, small);
        ::new (granted->data + 16) word(7);
        const auto left = bump.shrink_in_place(granted->data, large, small);
        bump.deallocate(granted->data, left && left->size == 32 ? large : small);
    }
};
/// All blocks end at once, and the next thread is granted what they were.
template <class P>
struct bump_reset {
    static constexpr unsigned threads = 2;
    using word = typename P::template plain<std::uint64_t>;
    ashlar::static_bump<16, 16, P> bump;
    void run(unsigned thread) {
        const auto l = ashlar::layout::of<std::uint64_t>();
        const auto granted = bump.allocate(l);
        if (granted) ::new (granted->data) word(thread);
        if (granted && thread == 0) bump.reset();
    }
};

template <class P>
struct histogram_users {
    static constexpr unsigned threads = 3;
    ashlar::basic_latency_histogram<P> times, others;
    void run(unsigned thread) {
        times.record(thread / 2);
        times.record(5, 2);
    }
    void finish() {
        P::expect(times.count() == 9, "every time is counted once");
        others.merge(times);
        P::expect(others.count() == 9 && others.max() == 5, "and merged");
    }
};

}  // namespace orders
