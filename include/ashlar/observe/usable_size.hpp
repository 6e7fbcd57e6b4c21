// ashlar/observe/usable_size.hpp - how much of a block could be used, by the rules of the malloc that granted it.
//
// Layer:      observe
// Source:     ours: foundation/size_class.hpp; glibc: malloc/malloc.c, request2size: a header of 8 bytes, steps of 16, at
//             least 24 bytes.
// Complexity: O(1).
// Failure:    none; of another malloc nothing is known, and the size that was asked for is the answer.
// Threads:    pure functions.
// Checked by: tests/observe/usable_size_test.cpp, tests/tool/memory_test.py
//
// What malloc_usable_size says, but for two habits of glibc that depend on what was freed before: a large block that it maps by
// itself ends at a page, and one that it puts into a free place 16 bytes larger has those too. Both are taken as if they were not.
#pragma once

#include <cstdint>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/size_class.hpp"
#include "ashlar/observe/trace_info.hpp"

namespace ashlar {

/// Sizes that no machine has (a damaged trace) are their own answer.
constexpr std::uint64_t usable_size(trace_malloc of, std::uint64_t size, std::uint64_t alignment = 0) noexcept {
    constexpr std::uint64_t page = 4096;
    if (size > UINT64_MAX / 4) return size;
    if (of == trace_malloc::glibc) return size <= 24 ? 24 : align_up(size + 8, std::uint64_t{16}) - 8;
    if (of != trace_malloc::ashlar) return size;
    const std::uint64_t asked = size == 0 ? 1 : size;
    if (asked > size_class_max) return align_up(asked, page);
    const bool aligned = alignment > size_class_step && alignment <= size_class_max && is_power_of_two(alignment);
    return size_of_class(aligned && asked <= size_class_max - alignment ? class_of_aligned_size(asked, alignment) : class_of_size(asked));
}

}  // namespace ashlar
