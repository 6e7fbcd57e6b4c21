// ashlar/strategy/border_map.hpp - two bits for each 16 bytes of a region: where blocks begin, and which are free.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5: the marks of algorithm C, kept apart from
//             the blocks they are about.
// Picture:    blocks   [ live ][ free . . . . ][ live . . ][ free ]|        16 bytes a column
//             starts   1       1 0 0 0         1 0 0       1       1        the last is the region's end
//             free     0       1 0 0 1         0 0 0       1       0        first and last column of a free block
// Complexity: O(1); next_start reads a word for each KiB passed. 1/64 of the region.
// Failure:    none.
// Threads:    one at a time.
// Invariants: border_map.I1  a free bit is set for the first and the last column of each free block, and nowhere else
//             border_map.I2  a start bit is set for the first column of each block and for the column behind the last
// Checked by: tests/strategy/border_map_test.cpp, tests/strategy/free_list_test.cpp
//
// So whoever frees a block sees from the column in front and the one behind whether to coalesce, and any address can be
// told to be the start of a live block of a certain length or not: misuse is found before anything is touched.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar {

/// Columns are numbered from 0; which of them are used is the owner's matter.
class border_map {
public:
    /// The bits of 64 columns lie together: one line of the cache knows 4 KiB.
    struct group {
        std::uint64_t starts;
        std::uint64_t free;
    };
    static constexpr std::size_t columns_a_group = 64;

    explicit border_map(group* groups) noexcept : groups_(groups) {}
    static constexpr std::size_t groups_for(std::size_t columns) noexcept {
        return (columns + columns_a_group - 1) / columns_a_group;
    }

    bool is_start(std::size_t at) const noexcept { return (of(at).starts >> at % 64 & 1) != 0; }
    bool is_free(std::size_t at) const noexcept { return (of(at).free >> at % 64 & 1) != 0; }
    void set_start(std::size_t at) noexcept { of(at).starts |= bit(at); }
    void clear_start(std::size_t at) noexcept { of(at).starts &= ~bit(at); }
    void set_free(std::size_t at) noexcept { of(at).free |= bit(at); }
    void clear_free(std::size_t at) noexcept { of(at).free &= ~bit(at); }
    /// A free block begins here that did not before.
    void begin_free(std::size_t at) noexcept {
        of(at).starts |= bit(at);
        of(at).free |= bit(at);
    }
    /// The free block that began here is part of another one now.
    void end_free(std::size_t at) noexcept {
        of(at).starts &= ~bit(at);
        of(at).free &= ~bit(at);
    }

    /// @pre there is one (border_map.I2)
    /// @returns the first column from `at` on where a block begins
    std::size_t next_start(std::size_t at) const noexcept {
        const std::uint64_t here = of(at).starts >> at % 64;
        if (here != 0) return at + static_cast<std::size_t>(std::countr_zero(here));
        return next_start_behind(at / 64);
    }

private:
    static std::uint64_t bit(std::size_t at) noexcept { return std::uint64_t{1} << at % 64; }
    __attribute__((noinline)) std::size_t next_start_behind(std::size_t g) const noexcept {
        do ++g;
        while (groups_[g].starts == 0);
        return g * 64 + static_cast<std::size_t>(std::countr_zero(groups_[g].starts));
    }
    group& of(std::size_t at) const noexcept { return groups_[at / 64]; }

    group* groups_;
};
static_assert(sizeof(border_map::group) == 16);

}  // namespace ashlar
