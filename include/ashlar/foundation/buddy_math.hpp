// ashlar/foundation/buddy_math.hpp - which blocks a binary buddy system has, and how they are numbered.
//
// Layer:      foundation
// Source:     Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, "The Art of Computer Programming",
//             volume 1, section 2.5, algorithms R and S.
// Picture:    number   1                  order top
//                      2        3         order top - 1
//                      4   5    6   7     order top - 2       children of n: 2n, 2n + 1; buddy of n: the other one
// Complexity: every function O(1), without a loop or a division.
// Failure:    none.
// Threads:    pure functions.
// Invariants: buddy_math.I1  number_of_block and offset_of_block are inverse for offsets that are multiples of 2^order
//             buddy_math.I2  a block and its buddy are the two halves of their parent
// Checked by: tests/foundation/buddy_math_test.cpp
//
// A block of order k has 2^k bytes and begins at a multiple of 2^k; the whole region has order `top`.
#pragma once

#include "ashlar/foundation/word.hpp"

namespace ashlar {

/// @pre size >= 1; align is a power of two
/// @returns the least order not below `least` whose blocks hold size bytes at a multiple of align
template <word W>
constexpr W buddy_order(W size, W align, W least) noexcept {
    const W for_size = bit_width(size - W(1)), for_align = countr_zero(align);
    const W order = static_cast<bool>(for_size < for_align) ? for_align : for_size;
    return static_cast<bool>(order < least) ? least : order;
}

/// @pre order <= top; offset is a multiple of 2^order below 2^top
template <word W>
constexpr W number_of_block(W offset, W order, W top) noexcept { return shl(W(1), top - order) + shr(offset, order); }

/// @pre number is that of a block of this order
template <word W>
constexpr W offset_of_block(W number, W order, W top) noexcept {
    return shl(number - shl(W(1), top - order), order);
}

/// @pre number > 1
template <word W>
constexpr W buddy_of(W number) noexcept { return number + W(1) - shl(number & W(1), W(1)); }  // flips the last bit

/// @pre number > 1
template <word W>
constexpr W parent_of(W number) noexcept { return shr(number, W(1)); }

/// @returns the number of the first half of a block; the second half is one more
template <word W>
constexpr W first_half_of(W number) noexcept { return shl(number, W(1)); }

}  // namespace ashlar
