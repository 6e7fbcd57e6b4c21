// ashlar/foundation/size_class.hpp - a bounded set of block sizes, close together where most blocks are.
//
// Layer:      foundation
// Source:     Evans, "A scalable concurrent malloc(3) implementation for FreeBSD", BSDCan 2006 (classes that
//             divide each doubling); the number of steps is ours, see docs/malloc.md.
// Picture:    16 32 48 ... 128 | 160 192 224 256 | ... | 640 768 896 1 KiB | ... | ... 64 KiB
//             steps of 16        four equal steps to each doubling
// Complexity: O(1): a shift and a bit scan; no table, no loop.
// Failure:    none; sizes above size_class_max have no class (precondition).
// Threads:    pure functions.
// Invariants: size_class.I1  size <= size_of_class(class_of_size(size)), and no smaller class holds it
//             size_class.I2  the rounding is below 16 bytes up to 128, and below a quarter of the size above
//             size_class.I3  every size of a class is a multiple of 16
// Checked by: tests/foundation/size_class_test.cpp
//
// The only size classes of Ashlar: malloc and the segregated strategies use these functions. Finer steps round less,
// but each class in use keeps a partly used run of blocks: four steps take less memory than eight (docs/malloc.md has
// the measurement).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/word.hpp"

namespace ashlar {

/// Multiples of this many bytes; what malloc must align to on every 64-bit ABI.
inline constexpr std::size_t size_class_step = 16;
/// The largest size that has a class.
inline constexpr std::size_t size_class_max = 64 * 1024;
inline constexpr std::size_t size_class_count = 44;

/// @pre 1 <= size <= size_class_max
/// @returns the smallest class whose blocks hold `size` bytes
template <word W>
constexpr W class_of_size(W size) noexcept {
    ASHLAR_PRE(static_cast<bool>(W(1) <= size) && static_cast<bool>(size <= W(size_class_max)));
    const W last = size - W(1);
    if (static_cast<bool>(last < W(128))) return shr(last, W(4));
    const W top = bit_width(last) - W(1);  // 2^top <= last < 2^(top + 1), top >= 7
    return W(4) * (top - W(5)) + (shr(last, top - W(2)) & W(3));
}

/// @pre index < size_class_count
/// @returns the size in bytes of the blocks of a class
template <word W>
constexpr W size_of_class(W index) noexcept {
    ASHLAR_PRE(static_cast<bool>(index < W(size_class_count)));
    if (static_cast<bool>(index < W(8))) return shl(index + W(1), W(4));
    // The class lies in (2^doubling, 2^(doubling + 1)].
    const W doubling = shr(index, W(2)) + W(5);
    return shl(W(5) + (index & W(3)), doubling - W(2));
}

/// The class of a size together with an alignment: blocks that lie at multiples of their own size from a base
/// aligned to `alignment` are aligned when their size is a multiple of it.
/// @pre 1 <= size <= size_class_max; alignment is a power of two <= size_class_max
/// @returns the smallest class that holds `size` bytes and whose size is a multiple of `alignment`
constexpr std::size_t class_of_aligned_size(std::size_t size, std::size_t alignment) noexcept {
    // A class that holds a multiple of a power of two, and no smaller one does, is a multiple itself (proofs/arith).
    return class_of_size((size + alignment - 1) & ~(alignment - 1));
}

static_assert(size_of_class(size_class_count - 1) == size_class_max);
static_assert(class_of_size(size_class_max) == size_class_count - 1);

}  // namespace ashlar
