// ashlar/malloc/small_class.hpp - the size class of a small size by one look at a table.
//
// Layer:      malloc
// Complexity: one load; the table is 65 bytes, two cache lines.
// Failure:    none.
// Threads:    a pure function.
// Invariants: small_class.I1  small_class(n) == class_of_size(max(n, 1)) for every n <= small_class_limit
// Checked by: tests/malloc/small_class_test.cpp
//
// The arithmetic of size_class.hpp needs a bit scan and a branch; malloc's fast path has no instruction to spare.
#pragma once

#include <array>
#include <cstdint>

#include "ashlar/foundation/size_class.hpp"

namespace ashlar::malloc {

inline constexpr std::size_t small_class_limit = 1024;

inline constexpr auto small_class_table = [] {
    std::array<std::uint8_t, small_class_limit / size_class_step + 1> table{};
    for (std::size_t i = 1; i < table.size(); ++i) {
        table[i] = static_cast<std::uint8_t>(class_of_size(i * size_class_step));
    }
    return table;  // [0] is the class of size 0: the smallest block, which makes malloc(0) unique
}();

/// @pre size <= small_class_limit
constexpr std::size_t small_class(std::size_t size) noexcept {
    return small_class_table[(size + size_class_step - 1) / size_class_step];
}

/// The sizes of those classes.
inline constexpr auto small_class_bytes = [] {
    std::array<std::uint16_t, class_of_size(small_class_limit) + 1> table{};
    for (std::size_t c = 0; c < table.size(); ++c) table[c] = static_cast<std::uint16_t>(size_of_class(c));
    return table;
}();

}  // namespace ashlar::malloc
