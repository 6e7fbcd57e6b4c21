// ashlar/strategy/inline_buffer.hpp - bump allocation from a buffer inside the object: no memory from anywhere else.
//
// Layer:      strategy
// Source:     Hinnant, "stack_alloc: an allocator that uses a stack-based memory pool", 2005-2015 (storage that lies
//             where its owner lies); Hanson 1990 as bump.
// Picture:    object [ N bytes | cursor, end, begin, live blocks ]
// Complexity: as bump; sizeof is N and four words, rounded up to Align.
// Failure:    as bump: refuses what does not fit into what is left of the N bytes.
// Threads:    one at a time.
// Invariants: inline_buffer.I1  every block lies within the object
// Checked by: tests/strategy/inline_buffer_test.cpp
//
// For scratch memory in a function's frame, or behind compose/preallocated.hpp as the first choice. A `bump&` is a view
// of it: whatever serves from a bump serves from this.
#pragma once

#include "ashlar/foundation/fixed_buffer.hpp"
#include "ashlar/strategy/bump.hpp"

namespace ashlar {

/// N bytes at a multiple of Align, uninitialised. Neither copied nor moved: blocks lie in it.
template <std::size_t N, std::size_t Align = alignof(std::max_align_t)>
class inline_buffer : fixed_buffer<N, Align>, public bump {
public:
    inline_buffer() noexcept : bump(fixed_buffer<N, Align>::block()) {}  // inline_buffer.I1
};

static_assert(growable<inline_buffer<64>> && resettable<inline_buffer<64>> && walkable<inline_buffer<64>>);

}  // namespace ashlar
