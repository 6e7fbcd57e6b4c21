// ashlar/realtime/worst_case.hpp - how much memory an rt_heap needs so that it never refuses, and what an operation costs.
//
// Layer:      realtime
// Source:     Robson, "Worst case fragmentation of first fit and best fit storage allocation strategies", The Computer Journal
//             20(3), 1977; Herter, "Timing-predictable memory allocation in hard real-time systems", Saarland University, 2014.
// Complexity: computed by the compiler.
// Failure:    none; a demand whose bound passes 2^63 gives a number above rt_heap::most_units, which no heap can have.
// Threads:    pure functions.
// Checked by: tests/realtime/worst_case_test.cpp, tests/budgets/worst/rt_heap.cpp
//
// What a program asks of its heap is stated by three numbers (heap_demand). For requests at alignments up to the unit:
//   any policy   A request that needs c units is refused only when no free block has s(c), the size searched from. Then at
//                most B - 1 blocks are live beside it (B = live_bytes / least), so at most B free blocks, each below s:
//                live + free <= L - c + B (s(c) - 1). With more units than that, nothing is refused. Proven by this sentence.
//   half_fit     L (1 + log2 c), for blocks of powers of two (Herter; Robson for first fit). Not proven here: the test
//                searches every sequence of small heaps, and adversaries attack larger ones.
// L is the most that the live blocks take, rounding and headers included.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "ashlar/realtime/rt_heap.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/tlsf.hpp"

namespace ashlar {

/// Of one heap, in bytes as they are asked for.
struct heap_demand {
    std::size_t live_bytes;  ///< the most that is live at once
    std::size_t largest;     ///< the largest request
    std::size_t least = 16;  ///< the smallest request; 1 <= least <= largest <= live_bytes
};

/// A heap whose operations take a number of instructions, and whose program needs an amount of memory, known beforehand.
template <class H>
concept bounded_heap = growable<H> && shrinkable<H> && forecasting<H> && resettable<H> && requires(std::size_t n) {
    { H::units_for(n) } noexcept -> std::same_as<std::size_t>;
    { H::units_sought(n, n) } noexcept -> std::same_as<std::size_t>;
    { H::memory_bytes(n) } noexcept -> std::same_as<std::size_t>;
    { H::unit } -> std::convertible_to<std::size_t>;
};

/// The most units that the live blocks can take together: live_bytes times the most units a byte.
/// @pre d.largest <= 2^32
template <bounded_heap H>
constexpr std::size_t most_live_units(heap_demand d) noexcept {
    std::size_t most = 0, r = d.least;
    // Units a byte are most for the least request or for the first size of a later step: of equal steps the next one (from
    // there on they fall), of powers of two any.
    for (int steps = 0; steps < 40 && r <= d.largest; ++steps) {
        const std::size_t units = H::units_for(r);
        const std::size_t all = d.live_bytes / r * units + d.live_bytes % r * units / r;
        most = all > most ? all : most;
        r = units * H::unit - H::header + 1;
    }
    return most;
}

/// With so many units no request of the demand is ever refused, whatever the program does.
/// @pre 1 <= least <= largest <= live_bytes; largest <= 2^32
template <bounded_heap H>
constexpr std::size_t worst_case_units(heap_demand d) noexcept {
    ASHLAR_PRE(d.least != 0 && d.least <= d.largest && d.largest <= d.live_bytes && d.largest <= std::size_t{1} << 32);
    const std::size_t live = most_live_units<H>(d), most = H::units_for(d.largest), blocks = d.live_bytes / d.least;
    const std::size_t any = live - most + blocks * (H::units_sought(most, H::unit) - 1) + 1;
    if constexpr (H::takes_powers) {
        std::size_t doublings = 0;
        while (std::size_t{1} << doublings < most) ++doublings;
        const std::size_t powers = live * (1 + doublings);
        return powers < any ? powers : any;
    }
    return any;
}

/// Bytes of memory for the heap, wherever it begins; headers outside need table_bytes of them besides.
template <bounded_heap H>
constexpr std::size_t worst_case_bytes(heap_demand d) noexcept { return H::memory_bytes(worst_case_units<H>(d)); }

/// Instructions that no call passes, on any path through it: x86-64, g++ -O2 without contract checks, alignments up to the
/// unit and above. tests/budgets/worst holds the compiled code to them.
struct instruction_bounds {
    unsigned allocate, deallocate, allocate_aligned;
};
template <bounded_heap H>
constexpr instruction_bounds worst_instructions() noexcept {
    return H::takes_powers ? instruction_bounds{118, 98, 178} : instruction_bounds{148, 148, 224};
}

static_assert(bounded_heap<rt_heap<tlsf>> && bounded_heap<rt_heap<half_fit, headers::outside>>);

}  // namespace ashlar
