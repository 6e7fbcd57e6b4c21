// ashlar/strategy/static_bump.hpp - hand out storage of its own, from any thread, before main as well.
//
// Layer:      strategy
// Source:     Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986 (one word exchanged if nobody
//             else has); Hanson 1990 as bump.
// Picture:    word:    [ live blocks : 32 | units used : 32 ]     exchanged whole
//             storage: [ used | used | used | free free free ]    units of 16 bytes
// Complexity: every operation O(1) when nobody interferes; lock-free: an exchange fails only because another succeeded.
//             Sizes are rounded up to 16; a block aligned to more than 16 takes its padding and a word.
// Failure:    refuses when that passes the end of the storage: available says so exactly.
// Threads:    any, at any time, also in constructors and destructors of static objects: it is constant-initialised,
//             and has no destructor.
// Invariants: static_bump.I1  every live block lies in the used units, and no two overlap
//             static_bump.I2  no block is live if and only if no unit is used
//             static_bump.I3  the word before a block aligned to more than 16 is the length of its lead
// Checked by: tests/strategy/static_bump_test.cpp
//
// A load followed by a store would hand the same bytes to two threads; here a grant exists only once its thread has
// exchanged the word. The whole state is in that word, so that it does not matter if it went away and came back.
// The newest block is given back, grown and shrunk where it stands; any other stays used until the last live one goes.
#pragma once

#include <cstddef>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/strategy/bump_cursor.hpp"

namespace ashlar {

/// N bytes at a multiple of Align. Declare it `constinit static`: its zeros take no room in the program's file.
/// On the stack AddressSanitizer's poison would outlive it, for nothing runs at its end.
template <std::size_t N, std::size_t Align = alignof(std::max_align_t), atomics_policy Atomics = std_atomics>
class static_bump {
    static constexpr std::size_t unit = 16;
    using arithmetic = bump_cursor<unit>;

public:
    static_assert(N >= unit && N / unit <= UINT32_MAX && is_power_of_two(Align));
    static constexpr bool is_thread_safe = true;
    static constexpr bool deallocate_is_optional = true;

    constexpr static_bump() noexcept = default;
    static_bump(const static_bump&) = delete;
    static_bump& operator=(const static_bump&) = delete;

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t size = arithmetic::rounded(l.size());
        std::uint64_t seen = word_.load(memory_order_relaxed);
        for (;;) {
            const std::size_t used = used_bytes(seen);
            const std::size_t lead = arithmetic::lead(address() + used, l.align());
            if (lead > capacity() - used || size > capacity() - used - lead) return alloc_error{};
            // acquire: pairs with the releases below; what was done to bytes before they were given back is seen
            if (word_.compare_exchange_weak(seen, packed(live(seen) + 1, used + lead + size), memory_order_acquire,
                                            memory_order_relaxed)) {
                return granted(bytes_ + used, lead, size);
            }
        }
    }
    /// @post the bytes can be granted again if p was the newest block, or the last one alive
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(is_live_range(p, l));
        const std::size_t begin = offset(p), end = begin + arithmetic::rounded(l.size()), lead = lead_of(p, l);
        poison(p - lead, end - begin + lead);
        std::uint64_t seen = word_.load(memory_order_relaxed), next = 0;
        do {
            ASHLAR_PRE(live(seen) != 0);
            const std::size_t left = live(seen) - 1;
            const std::size_t used = used_bytes(seen) == end ? begin - lead : used_bytes(seen);
            next = left == 0 ? 0 : packed(left, used);  // static_bump.I2
            // release: pairs with the acquire of the grant that gets these bytes next
        } while (!word_.compare_exchange_weak(seen, next, memory_order_release, memory_order_relaxed));
    }
    /// Refused unless p is the newest block and there is room, or the rounding suffices.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::size_t size = arithmetic::rounded(now.size());
        if (size > capacity() - offset(p) || !move_end(p, arithmetic::rounded(old.size()), size)) return alloc_error{};
        unpoison(p, size);
        return block{p, size};
    }
    /// The newest block gives its end back; any other keeps it.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() <= old.size() && now.align() == old.align());
        ASHLAR_PRE(now.size() != 0);
        const std::size_t size = arithmetic::rounded(now.size()), before = arithmetic::rounded(old.size());
        poison(p + size, before - size);
        if (move_end(p, before, size)) return block{p, size};
        unpoison(p + size, before - size);
        return block{p, before};
    }
    /// Ends the life of every block. @pre no other thread uses one
    void reset() noexcept {
        poison(bytes_, capacity());
        word_.store(0, memory_order_release);  // pairs with the acquire in allocate
    }

    bool available(layout l) const noexcept {
        const std::size_t used = used_bytes(word_.load(memory_order_relaxed));
        const std::size_t lead = arithmetic::lead(address() + used, l.align());
        return lead <= capacity() - used && arithmetic::rounded(l.size()) <= capacity() - used - lead;
    }
    bool owns(const std::byte* p) const noexcept { return p >= bytes_ && p < bytes_ + capacity(); }
    template <class Visit>
    void for_each_free(Visit visit) const {
        const std::size_t used = used_bytes(word_.load(memory_order_relaxed));
        if (used != capacity()) visit(block{const_cast<std::byte*>(bytes_) + used, capacity() - used});
    }
    static constexpr std::size_t capacity() noexcept { return align_down(N, unit); }
    std::size_t room() const noexcept { return capacity() - used_bytes(word_.load(memory_order_relaxed)); }

private:
    static constexpr std::uint64_t packed(std::size_t live, std::size_t used) noexcept {
        return static_cast<std::uint64_t>(live) << 32 | used / unit;
    }
    static constexpr std::size_t live(std::uint64_t word) noexcept { return word >> 32; }
    static constexpr std::size_t used_bytes(std::uint64_t word) noexcept { return (word & UINT32_MAX) * unit; }

    std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(bytes_); }
    std::size_t offset(const std::byte* p) const noexcept { return static_cast<std::size_t>(p - bytes_); }

    /// The bytes are this thread's own by now (static_bump.I1).
    static result<block> granted(std::byte* at, std::size_t lead, std::size_t size) noexcept {
        unpoison(at, lead + size);
        if (lead != 0) std::memcpy(at + lead - sizeof lead, &lead, sizeof lead);  // static_bump.I3
        return block{at + lead, size};
    }
    static std::size_t lead_of(const std::byte* p, layout l) noexcept {
        std::size_t lead = 0;
        if (l.align() > unit) std::memcpy(&lead, p - sizeof lead, sizeof lead);
        return lead;
    }
    /// @returns whether the block ends at p + to now; false where it is not the newest and to is not from
    bool move_end(const std::byte* p, std::size_t from, std::size_t to) noexcept {
        if (from == to) return true;
        std::uint64_t seen = word_.load(memory_order_relaxed);
        while (used_bytes(seen) == offset(p) + from) {
            // acquire and release: bytes that are taken were given back by another thread, or are given back here
            if (word_.compare_exchange_weak(seen, packed(live(seen), offset(p) + to), memory_order_acq_rel,
                                            memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    bool is_live_range(const std::byte* p, layout l) const noexcept {
        const std::size_t used = used_bytes(word_.load(memory_order_relaxed));
        return l.size() != 0 && p >= bytes_ && offset(p) < used && is_aligned(p, l.align() > unit ? l.align() : unit) &&
               arithmetic::rounded(l.size()) <= used - offset(p);
    }

    typename Atomics::template atomic<std::uint64_t> word_{0};
    alignas(Align > unit ? Align : unit) std::byte bytes_[N]{};
};

static_assert(thread_safe<static_bump<64>> && growable<static_bump<64>> && shrinkable<static_bump<64>>);
static_assert(forecasting<static_bump<64>> && owning<static_bump<64>> && walkable<static_bump<64>>);

}  // namespace ashlar
