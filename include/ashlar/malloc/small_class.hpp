// ashlar/malloc/small_class.hpp - the size class of a small size by one look at a table.
//
// Layer:      malloc
// Complexity: one load; the table is 65 bytes, two cache lines. A store has a larger one (class_table), of 513 bytes.
// Failure:    none.
// Threads:    a pure function; class_table: any may read, one at a time may add.
// Invariants: small_class.I1  small_class(n) == class_of_size(max(n, 1)) for every n <= small_class_limit
//             small_class.I2  with added classes a size has the smallest one that holds it, of those and the usual ones
// Checked by: tests/malloc/small_class_test.cpp
//
// The arithmetic of size_class.hpp needs a bit scan and a branch; malloc's fast path has no instruction to spare.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>

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

/// The same for all sizes, where classes are added to the usual ones: of sizes that those round up by much. A class may be added
/// while others read: a size is of the one or of the other then.
class class_table {
public:
    static constexpr std::size_t largest = 8 * 1024;  ///< that may be added
    /// Of a store that nothing was asked of: of every small size the class is the first.
    constexpr class_table() noexcept = default;
    static constexpr class_table usual() noexcept {
        class_table made;
        for (std::size_t i = 1; i < std::size(made.table_); ++i) made.table_[i] = static_cast<std::uint8_t>(class_of_size(i * size_class_step));
        return made;
    }
    /// @pre size <= largest
    std::size_t of_small(std::size_t size) const noexcept { return at((size + size_class_step - 1) / size_class_step); }
    /// @pre 1 <= size <= size_class_max
    std::size_t of(std::size_t size) const noexcept { return size <= small_class_limit ? of_small(size) : of_large(size); }
    /// @pre small_class_limit < size <= size_class_max
    std::size_t of_large(std::size_t size) const noexcept {
        const std::size_t c = class_of_size(size);  // no branch on the size, for sizes of all kinds come here
        return (__atomic_load_n(&divided_, __ATOMIC_RELAXED) >> c & 1) == 0 ? c : of_small(size);
    }
    /// Blocks of so many bytes are class c from now on (small_class.I2). size_of(class) are the bytes of those that there are.
    /// @pre bytes is a multiple of 16, at most `largest`; one thread at a time
    template <class SizeOf>
    void add(std::size_t bytes, std::uint8_t c, SizeOf size_of) noexcept {
        // relaxed: what a class is reaches others with its spans
        for (std::size_t i = bytes / size_class_step; i > 0 && size_of(at(i)) > bytes; --i) __atomic_store_n(&table_[i], c, __ATOMIC_RELAXED);
        __atomic_fetch_or(&divided_, std::uint64_t{1} << class_of_size(bytes), __ATOMIC_RELAXED);
    }

private:
    std::size_t at(std::size_t i) const noexcept { return __atomic_load_n(&table_[i], __ATOMIC_RELAXED); }

    std::uint64_t divided_ = 0;  ///< a bit for each usual class with an added one in it
    std::uint8_t table_[largest / size_class_step + 1]{};
};
/// Where none is ever added.
inline constexpr class_table usual_classes = class_table::usual();

}  // namespace ashlar::malloc
