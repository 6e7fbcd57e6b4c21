// ashlar/strategy/block_shape.hpp - how large the equal blocks of a pool are, and how aligned.
//
// Layer:      strategy
// Source:     Bonwick, "The slab allocator: an object-caching kernel memory allocator", USENIX Summer 1994, section 4
//             (blocks at equal offsets of the cache evict each other).
// Picture:    [ Size | up to the alignment | skew ]
// Complexity: constants; grow and shrink O(1).
// Failure:    grow refuses what passes the block.
// Threads:    constants.
// Invariants: block_shape.I1  size is a multiple of align, and a free block has room for a link
// Checked by: tests/strategy/block_shape_test.cpp
#pragma once

#include <cstddef>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/result.hpp"

namespace ashlar {

template <std::size_t Size, std::size_t Align>
struct block_shape {
    static_assert(Size != 0 && Size <= layout::max_size / 256);
    static_assert(is_power_of_two(Align) && Align <= layout::max_size / 256);

    static constexpr std::size_t align = Align > alignof(void*) ? Align : alignof(void*);
    /// Blocks whose distance is a multiple of many cache lines begin in few sets of the cache: multiples of 256 bytes
    /// are set apart by up to a 16th more, unless that would break the alignment.
    static constexpr std::size_t size = [] {
        const std::size_t least = align_up(Size > sizeof(void*) ? Size : sizeof(void*), align);  // block_shape.I1
        const std::size_t skew = least / 16 < 64 ? least / 16 : 64;
        return least % 256 == 0 && skew % align == 0 ? least + skew : least;
    }();

    /// Whether a block serves the layout.
    static constexpr bool fits(layout l) noexcept { return l.size() <= size && l.align() <= align; }

    /// A live block stays where it is, with all its bytes. @pre as grow_in_place and shrink_in_place of allocator.hpp
    static result<block> grow(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(fits(old) && now.size() >= old.size() && now.align() == old.align());
        if (!fits(now)) return alloc_error{};
        return block{p, size};
    }
    static result<block> shrink(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(fits(old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        return block{p, size};
    }
};

}  // namespace ashlar
