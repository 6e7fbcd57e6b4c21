// ashlar/strategy/segregated_chunk.hpp - 64 KiB of upstream memory cut into blocks of one size class.
//
// Layer:      strategy
// Picture:    begin [ block 0 | block 1 | ... | block n - 1 | rest | header ] begin + 64 KiB
// Complexity: O(1).
// Failure:    none.
// Threads:    one at a time.
// Invariants: segregated_chunk.I1  begin is a multiple of 4096, so a block is aligned to every power of two up to
//                                  4096 that divides the size of its class
// Checked by: tests/strategy/segregated_test.cpp
#pragma once

#include <bitset>
#include <cstddef>
#include <functional>
#include <new>

#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/size_class.hpp"

namespace ashlar {

/// The header. It stands at the end, so that the blocks begin at the chunk's alignment.
struct segregated_chunk : tree_links {
    std::byte* begin;
    std::size_t index;   ///< the class of its blocks
    std::size_t size;    ///< of a block
    std::size_t blocks;  ///< how many there are
    std::size_t free;    ///< counted by trim

    static constexpr std::size_t bytes = 64 * 1024;
    using flags = std::bitset<bytes / size_class_step>;
    struct by_address {
        static bool before(const segregated_chunk& a, const segregated_chunk& b) noexcept { return &a < &b; }
    };
    using tree = intrusive_tree<segregated_chunk, by_address>;

    /// What the upstream is asked for.
    static layout asked() noexcept { return *layout::make(bytes, 4096); }
    static segregated_chunk& build(block granted, std::size_t index) noexcept {
        auto& made = *::new (granted.data + bytes - sizeof(segregated_chunk)) segregated_chunk;
        made.begin = granted.data;
        made.index = index;
        made.size = size_of_class(index);
        made.blocks = (bytes - sizeof(segregated_chunk)) / made.size;
        made.free = 0;
        return made;
    }

    /// The end of its blocks.
    std::byte* end() const noexcept { return begin + blocks * size; }
    /// Whether p lies among its blocks, or is their end.
    bool holds(const std::byte* p) const noexcept {
        const std::byte* const last = end();
        return !std::less<>()(p, static_cast<const std::byte*>(begin)) && !std::less<>()(last, p);
    }
};

}  // namespace ashlar
