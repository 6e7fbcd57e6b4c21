// ashlar/foundation/alignment.hpp - rounding to powers of two.
//
// Layer:      foundation
// Source:     Warren, "Hacker's Delight", 2nd edition, Addison-Wesley, 2012, section 3-1.
// Complexity: every function is O(1), without a division.
// Failure:    none; align_up_wraps tells beforehand whether align_up would pass the end of the word.
// Threads:    pure functions.
// Checked by: tests/foundation/alignment_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/word.hpp"

namespace ashlar {

template <word W>
constexpr bool is_power_of_two(W x) noexcept {
    return static_cast<bool>(x != W(0)) && static_cast<bool>((x & (x - W(1))) == W(0));
}

/// @pre alignment is a power of two
template <word W>
constexpr bool is_aligned(W x, W alignment) noexcept {
    return static_cast<bool>((x & (alignment - W(1))) == W(0));
}

inline bool is_aligned(const void* p, std::size_t alignment) noexcept {
    return is_aligned(reinterpret_cast<std::uintptr_t>(p), static_cast<std::uintptr_t>(alignment));
}

/// @pre alignment is a power of two
/// @returns the largest multiple of alignment that is <= x
template <word W>
constexpr W align_down(W x, W alignment) noexcept { return x & ~(alignment - W(1)); }

/// @pre alignment is a power of two; !align_up_wraps(x, alignment)
/// @returns the smallest multiple of alignment that is >= x
template <word W>
constexpr W align_up(W x, W alignment) noexcept { return (x + (alignment - W(1))) & ~(alignment - W(1)); }

/// @pre alignment is a power of two
/// @returns whether no multiple of alignment >= x fits in the word
template <word W>
constexpr bool align_up_wraps(W x, W alignment) noexcept { return add_wraps(x, alignment - W(1)); }

/// @pre alignment is a power of two
/// @returns how many units must be added to x to make it a multiple of alignment: in [0, alignment)
template <word W>
constexpr W padding_to(W x, W alignment) noexcept { return (W(0) - x) & (alignment - W(1)); }

inline std::size_t padding_to(const std::byte* p, std::size_t alignment) noexcept {
    return padding_to(reinterpret_cast<std::uintptr_t>(p), static_cast<std::uintptr_t>(alignment));
}

}  // namespace ashlar
