// ashlar/foundation/word.hpp - unsigned arithmetic spelled so that it also runs on symbolic integers.
//
// Layer:      foundation
// Source:     Warren, "Hacker's Delight", 2nd edition, Addison-Wesley, 2012 (the bit functions).
// Complexity: every function is O(1); on a built-in integer it compiles to the machine instruction.
// Failure:    none; where a result would wrap there is a function that says so beforehand.
// Threads:    pure functions.
// Checked by: tests/foundation/word_test.cpp
//
// Size-class, alignment, bitmap and buddy arithmetic is written over `word`, never over std::size_t, and
// keeps three rules: no implicit conversion to a built-in integer; shifts and bit scans by the named
// functions below; no loop whose count depends on data. A proof then instantiates the same functions with
// a symbolic 64-bit word, whose overloads of these names are found by argument-dependent lookup.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

namespace ashlar {

/// An unsigned integer that wraps: std::size_t, std::uint64_t, std::uintptr_t, or a symbolic stand-in.
template <class W>
concept word = std::constructible_from<W, std::uint64_t> && std::equality_comparable<W> && requires(W a, W b) {
    { a + b } -> std::convertible_to<W>;
    { a - b } -> std::convertible_to<W>;
    { a * b } -> std::convertible_to<W>;
    { a & b } -> std::convertible_to<W>;
    { a | b } -> std::convertible_to<W>;
    { ~a } -> std::convertible_to<W>;
    static_cast<bool>(a < b);
    static_cast<bool>(a <= b);
};

/// The built-in words: wide enough that integer promotion cannot make them signed.
template <class W>
concept builtin_word = std::unsigned_integral<W> && sizeof(W) >= sizeof(unsigned);

/// @pre n is less than the width of W
template <builtin_word W>
constexpr W shl(W value, W n) noexcept { return value << n; }

/// @pre n is less than the width of W
template <builtin_word W>
constexpr W shr(W value, W n) noexcept { return value >> n; }

/// @returns the number of bits needed to write `value`: 0 for 0, otherwise floor(log2(value)) + 1
template <builtin_word W>
constexpr W bit_width(W value) noexcept { return static_cast<W>(std::bit_width(value)); }

/// @returns the index of the lowest set bit; the width of W for 0
template <builtin_word W>
constexpr W countr_zero(W value) noexcept { return static_cast<W>(std::countr_zero(value)); }

/// @pre value != 0
/// @returns floor(log2(value)): one instruction, where bit_width takes four
template <builtin_word W>
constexpr W highest_bit(W value) noexcept {
    if constexpr (sizeof(W) == 8) return static_cast<W>(63 ^ __builtin_clzll(value));
    else return static_cast<W>(31 ^ __builtin_clz(value));
}

/// @pre value != 0
/// @returns the index of the lowest set bit; countr_zero would ask whether there is one
template <builtin_word W>
constexpr W lowest_bit(W value) noexcept {
    if constexpr (sizeof(W) == 8) return static_cast<W>(__builtin_ctzll(value));
    else return static_cast<W>(__builtin_ctz(value));
}

/// @pre 1 <= value <= 2^(width of W - 1)
/// @returns the least power of two that is not below value
template <builtin_word W>
constexpr W bit_ceil(W value) noexcept { return std::bit_ceil(value); }

/// @returns the lowest 16 bits of value
template <builtin_word W>
constexpr W low16(W value) noexcept { return static_cast<std::uint16_t>(value); }

/// @returns bits 16 to 31 of value, as a number below 2^16: in 32 bits, which is one instruction
template <builtin_word W>
constexpr W next16(W value) noexcept { return static_cast<std::uint32_t>(value) >> 16; }

/// @returns whether a + b wraps
template <word W>
constexpr bool add_wraps(W a, W b) noexcept { return static_cast<bool>(a + b < a); }

/// @returns whether a * b wraps
template <builtin_word W>
constexpr bool mul_wraps(W a, W b) noexcept {
    W product{};
    return __builtin_mul_overflow(a, b, &product);
}

}  // namespace ashlar
