// ashlar/foundation/fixed_buffer.hpp - memory of a fixed size inside the object, for allocators that serve from a block.
//
// Layer:      foundation
// Complexity: no code; sizeof is N rounded up to the alignment.
// Failure:    none.
// Threads:    as any array.
// Checked by: tests/foundation/fixed_buffer_test.cpp
#pragma once

#include <cstddef>

#include "ashlar/foundation/block.hpp"

namespace ashlar {

/// N bytes at a multiple of Align, uninitialised. Neither copied nor moved: allocators point into it.
template <std::size_t N, std::size_t Align = alignof(std::max_align_t)>
class fixed_buffer {
public:
    static_assert(N > 0);
    static constexpr std::size_t size = N;

    fixed_buffer() noexcept {}  // not defaulted: `fixed_buffer<N> b{}` must not zero N bytes
    fixed_buffer(const fixed_buffer&) = delete;
    fixed_buffer& operator=(const fixed_buffer&) = delete;

    ashlar::block block() noexcept { return {bytes_, N}; }

private:
    alignas(Align) std::byte bytes_[N];
};

}  // namespace ashlar
