// ashlar/foundation/bit_scan.hpp - searches in bitmaps: the next bit that is set, and runs of them.
//
// Layer:      foundation
// Source:     van Emde Boas, "Preserving order in a forest in less than logarithmic time", FOCS 1975, in the form of one
//             summary of words; Warren, "Hacker's Delight", 2nd edition, Addison-Wesley, 2012, section 6-2 (runs).
// Picture:    words     0 0 1 0 1                    a bit a word of the bitmap: some bit in it is set
//             bitmap    [ 0000 | 0000 | 0110 | 0000 | 1000 ]
// Complexity: first_set_from O(1): two words looked at. runs_of_set O(log n), multiples_of O(1).
// Failure:    none; first_set_from gives what the caller says for "none".
// Threads:    pure functions, if what reads the bitmap is.
// Checked by: tests/foundation/bit_scan_test.cpp, proofs/arith/scans.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/word.hpp"

namespace ashlar {

/// In a bitmap of at most 64 * 64 bits, word_at(i) being its words.
/// @pre from is below the number of bits; a bit of `words` is set if and only if some bit of that word is
/// @returns the number of the first set bit that is not below `from`; `none` where there is none
template <word W, class WordAt>
constexpr W first_set_from(W from, W words, WordAt word_at, W none) noexcept {
    const W number = shr(from, W(6));
    const W here = shr(word_at(number), from & W(63));
    if (static_cast<bool>(here != W(0))) return from + lowest_bit(here);
    const W above = words & shl(~W(1), number);
    if (static_cast<bool>(above == W(0))) return none;
    const W next = lowest_bit(above);
    return shl(next, W(6)) + lowest_bit(word_at(next));
}

/// @pre 1 <= n <= 64
/// @returns a bit for each place where n set bits of `bits` follow one another; what lies behind the last is not set
template <word W>
constexpr W runs_of_set(W bits, std::size_t n) noexcept {
    for (std::size_t have = 1; have < n;) {
        const std::size_t more = have < n - have ? have : n - have;
        bits = bits & shr(bits, W(more));
        have += more;
    }
    return bits;
}

/// @pre step is a power of two
/// @returns a bit for each multiple of `step` below 64
template <word W>
constexpr W multiples_of(W step) noexcept {
    W multiples(1);
    for (W s = step; static_cast<bool>(s < W(64)); s = s + s) multiples = multiples | shl(multiples, s);
    return multiples;
}

}  // namespace ashlar
