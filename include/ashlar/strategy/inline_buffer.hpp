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

#include "ashlar/strategy/bump.hpp"

namespace ashlar {

namespace detail {
template <std::size_t N, std::size_t Align>
struct inline_bytes {
    inline_bytes() noexcept {}  // not defaulted: `inline_buffer<N> b{}` must not zero N bytes
    alignas(Align) std::byte bytes[N];
};
}  // namespace detail

/// N bytes at a multiple of Align, uninitialised. Neither copied nor moved: blocks lie in it.
template <std::size_t N, std::size_t Align = alignof(std::max_align_t)>
class inline_buffer : detail::inline_bytes<N, Align>, public bump {
public:
    static_assert(N > 0 && is_power_of_two(Align));

    inline_buffer() noexcept : bump({detail::inline_bytes<N, Align>::bytes, N}) {}  // inline_buffer.I1
};

static_assert(growable<inline_buffer<64>> && resettable<inline_buffer<64>> && walkable<inline_buffer<64>>);

}  // namespace ashlar
