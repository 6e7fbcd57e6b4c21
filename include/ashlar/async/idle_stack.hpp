// ashlar/async/idle_stack.hpp - the idle slots of a pool and the gate before them, in one word.
//
// Layer:      async
// Source:     Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986, with a count against reuse.
// Picture:    [ count of pops: 31 | gate: 1 | top: 32 ]     top -> slot -> slot      0: none
// Complexity: push and pop: one compare-and-swap, repeated where another thread came between.
// Failure:    push and pop refuse while the gate is shut; pop where nothing is idle.
// Threads:    any; shut, open and the forms named `_behind` by who holds the pool's lock.
// Invariants: idle_stack.I1  while the gate is shut only who holds the lock changes the word
// Checked by: tests/async/idle_stack_test.cpp
//
// The gate is what lets a pool be lock-free where nobody waits and strictly first come first served where somebody does: the
// first waiter shuts it, under the lock, and from then on every release comes to the lock and finds the waiter.
#pragma once

#include <cstdint>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// What a slot must have: its number, and a word for the slot below.
template <class P = std_atomics>
struct idle_links {
    std::uint32_t index = 0;
    typename P::template atomic<std::uint32_t> below{0};
};

/// Slot is found by its number: at(index) gives an idle_links<P>&.
template <class P = std_atomics>
class idle_stack {
public:
    template <class At>
    auto pop(At at) noexcept -> decltype(&at(0)) {
        std::uint64_t seen = word_.load(memory_order_acquire);  // pairs with the release in push: the slot's object
        while ((seen & gate) == 0 && top(seen) != 0) {
            auto& slot = at(top(seen) - 1);
            const std::uint64_t less = popped(seen) | slot.below.load(memory_order_relaxed);  // the count tells if it is stale
            // order kept: success reads the very store that was acquired, by its count; compilers give it its failure's order anyhow
            if (word_.compare_exchange_weak(seen, less, memory_order_acquire, memory_order_acquire)) return &slot;
        }
        return nullptr;
    }
    bool push(idle_links<P>& slot) noexcept {
        std::uint64_t seen = word_.load(memory_order_relaxed);
        while ((seen & gate) == 0) {
            slot.below.store(top(seen), memory_order_relaxed);
            const std::uint64_t more = (seen & ~top_mask) | (slot.index + 1);
            // pairs with the acquire in pop: what was done to the slot's object
            if (word_.compare_exchange_weak(seen, more, memory_order_release, memory_order_relaxed)) return true;
        }
        return false;
    }

    /// @pre the caller holds the pool's lock
    void shut() noexcept { word_.fetch_or(gate, memory_order_acquire); }  // pairs with the release in push
    /// @pre the caller holds the pool's lock
    void open() noexcept { word_.fetch_and(~gate, memory_order_release); }  // pairs with the acquire in pop
    /// @pre the gate is shut, and the caller holds the pool's lock
    template <class At>
    auto pop_behind(At at) noexcept -> decltype(&at(0)) {
        const std::uint64_t seen = word_.load(memory_order_relaxed);  // idle_stack.I1
        ASHLAR_PRE((seen & gate) != 0);
        if (top(seen) == 0) return nullptr;
        auto& slot = at(top(seen) - 1);
        word_.store(popped(seen) | slot.below.load(memory_order_relaxed), memory_order_relaxed);
        return &slot;
    }

    bool is_shut() const noexcept { return (word_.load(memory_order_relaxed) & gate) != 0; }
    /// The number of slots, where nothing changes meanwhile; otherwise about.
    template <class At>
    std::uint32_t count(At at, std::uint32_t most) const noexcept {
        std::uint32_t n = 0;
        for (std::uint32_t i = top(word_.load(memory_order_relaxed)); i != 0 && n < most; ++n) {
            i = at(i - 1).below.load(memory_order_relaxed);
        }
        return n;
    }

private:
    static constexpr std::uint64_t gate = std::uint64_t{1} << 32, one = gate << 1, top_mask = gate - 1;
    static constexpr std::uint32_t top(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
    static constexpr std::uint64_t popped(std::uint64_t word) noexcept { return (word + one) & ~top_mask; }

    typename P::template atomic<std::uint64_t> word_{0};
};

}  // namespace ashlar
