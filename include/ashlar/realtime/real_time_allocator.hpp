// ashlar/realtime/real_time_allocator.hpp - a fast pool, a heap for the rest, a reserve for emergencies, and how long each call took.
//
// Layer:      realtime
// Source:     Puaut, ECRTS 2002, on the real-time performance of heaps (pools in front of one with
//             a bound); McKenney on reserves for those who must not fail, "Is parallel programming hard", 2011.
// Picture:    request -> fits FastSize? -> fast pool -> none left? -> heap -> refused? -> critical? -> reserve -> refused
// Complexity: at most a pool operation, three heap operations' searches and one grant: the sum of their bounds
//             (realtime/worst_case.hpp), and two readings of the clock.
// Failure:    refuses at once: nothing waits, nothing grows, nothing is taken from the system. See the overload policy.
// Threads:    one at a time; share it as locked<real_time_allocator<>, os::pi_mutex>. The histograms may be read by others.
// Invariants: real_time_allocator.I1  a block goes back to the part whose memory it lies in
// Checked by: tests/realtime/real_time_allocator_test.cpp
//
// Overload policy: allocate never touches the reserve; allocate_critical does when all else is used up. So under overload
// ordinary work is refused first and visibly (refusals()), and what must go on goes on for as long as the reserve lasts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/os/platform.hpp"
#include "ashlar/realtime/latency_histogram.hpp"
#include "ashlar/realtime/rt_heap.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/tlsf.hpp"

namespace ashlar {

/// The processor's counter where it has one that any program may read, else nanoseconds.
struct tick_clock {
    static std::uint64_t now() noexcept {
#if defined(__x86_64__)
        return __builtin_ia32_rdtsc();
#else
        return os::now_ns();
#endif
    }
};
/// Takes no time and records none.
struct no_clock {};

template <std::size_t FastSize = 128, size_policy Fit = tlsf, class Clock = tick_clock>
class real_time_allocator {
    using fast_pool = pool<FastSize, 16, bump>;
    using heap = rt_heap<Fit>;
    static constexpr bool timed = requires { Clock::now(); };

public:
    struct parts {
        std::size_t fast_blocks = 1024;          ///< of FastSize bytes
        std::size_t reserve_bytes = 64 << 10;  ///< for allocate_critical alone; the heap has all the rest
    };

    /// @pre the memory outlives the allocator and holds the parts
    explicit real_time_allocator(block memory, parts sizes = {}) noexcept
        : fast_memory_(cut(memory, fast_bytes(sizes.fast_blocks))), reserve_memory_(cut(memory, sizes.reserve_bytes)),
          front_(fast_memory_), fast_(front_, {.first = fast_memory_.size, .largest = fast_memory_.size}), slow_(memory),
          reserve_(reserve_memory_) {
        prepare();
    }
    real_time_allocator(const real_time_allocator&) = delete;
    real_time_allocator& operator=(const real_time_allocator&) = delete;

    result<block> allocate(layout l) noexcept {
        const timing here(allocations_);
        return grant(l);
    }
    /// As allocate; when all is used up, from the reserve.
    result<block> allocate_critical(layout l) noexcept {
        const timing here(allocations_);
        const auto granted = grant(l);
        if (granted) return granted;
        const auto kept = reserve_.allocate(l);
        if (kept) ++from_reserve_;
        return kept;
    }
    void deallocate(std::byte* p, layout l) noexcept {
        const timing here(deallocations_);
        // real_time_allocator.I1
        if (is_in(fast_memory_, p)) return fast_.deallocate(p, l);
        if (is_in(reserve_memory_, p)) return reserve_.deallocate(p, l);
        slow_.deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        if (is_in(fast_memory_, p)) return fast_.grow_in_place(p, old, now);
        return heap_of(p).grow_in_place(p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        if (is_in(fast_memory_, p)) return fast_.shrink_in_place(p, old, now);
        return heap_of(p).shrink_in_place(p, old, now);
    }

    bool available(layout l) const noexcept { return fast_.available(l) || slow_.available(l); }
    bool owns(const std::byte* p) const noexcept {
        return is_in(fast_memory_, p) || is_in(reserve_memory_, p) || slow_.owns(p);
    }

    /// In ticks of the clock.
    const latency_histogram& allocation_times() const noexcept { return allocations_; }
    const latency_histogram& deallocation_times() const noexcept { return deallocations_; }
    /// Requests that the fast pool could have served and the heap had to.
    std::size_t fallbacks() const noexcept { return fallbacks_; }
    std::size_t from_reserve() const noexcept { return from_reserve_; }
    /// Requests that neither pool nor heap could serve; those of allocate_critical too.
    std::size_t refusals() const noexcept { return refusals_; }
    bool consistent() const noexcept { return fast_.consistent() && slow_.consistent() && reserve_.consistent(); }

private:
    class timing {
    public:
        explicit timing(latency_histogram& into) noexcept : into_(into) {
            if constexpr (timed) begin_ = Clock::now();
        }
        ~timing() {
            if constexpr (timed) into_.record(Clock::now() - begin_);
        }
        timing(const timing&) = delete;
        timing& operator=(const timing&) = delete;

    private:
        latency_histogram& into_;
        std::uint64_t begin_ = 0;
    };

    /// Blocks, the chunk's header and bits, and what the buffer loses to alignment.
    static constexpr std::size_t fast_bytes(std::size_t blocks) noexcept {
        return blocks == 0 ? 0 : align_up(blocks * fast_pool::block_size + blocks / 8 + 256, std::size_t{16});
    }
    static block cut(block& from, std::size_t bytes) noexcept {
        ASHLAR_PRE(bytes <= from.size);
        const block taken{from.data, bytes};
        from = {from.data + bytes, from.size - bytes};
        return taken;
    }
    static bool is_in(const block& b, const std::byte* p) noexcept {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(b.data) < b.size;
    }
    heap& heap_of(const std::byte* p) noexcept { return is_in(reserve_memory_, p) ? reserve_ : slow_; }
    result<block> grant(layout l) noexcept {
        if (l.size() <= FastSize && l.align() <= 16) {
            const auto granted = fast_.allocate(l);
            if (granted) return granted;
            ++fallbacks_;
        }
        const auto granted = slow_.allocate(l);
        if (!granted) ++refusals_;
        return granted;
    }
    /// Every block of the pool is carved now: later it only takes the first of a list.
    void prepare() noexcept {
        const layout l = *layout::make(FastSize, 16);
        std::byte* chain = nullptr;
        while (const auto granted = fast_.allocate(l)) {
            *reinterpret_cast<std::byte**>(granted->data) = chain;
            chain = granted->data;
        }
        while (chain != nullptr) {
            std::byte* const next = *reinterpret_cast<std::byte**>(chain);
            fast_.deallocate(chain, l);
            chain = next;
        }
    }

    block fast_memory_;
    block reserve_memory_;
    bump front_;
    fast_pool fast_;
    heap slow_;
    heap reserve_;
    std::size_t fallbacks_ = 0;
    std::size_t from_reserve_ = 0;
    std::size_t refusals_ = 0;
    latency_histogram allocations_;
    latency_histogram deallocations_;
};

}  // namespace ashlar
