// src/observe/trace_columns.hpp - the records of a chunk taken apart, like with like: that is what compresses well.
//
// Layer:      observe
// Source:     docs/trace_format.md, packed chunks.
// Picture:    tag time slot | tag time distance size | ...  ->  [ tags ][ times ][ slots ][ distances ][ sizes ] ...
// Complexity: O(bytes). record_decoding.hpp reads columns as they are.
// Failure:    split() gives 0 for bytes that are no whole records; what it wrote is then worth nothing.
// Threads:    one at a time.
// Invariants: trace_columns.I1  every byte is in one column, and those of a column are in the order of the records
// Checked by: tests/observe/trace_pack_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ashlar {

/// One memory for all columns, each after the other.
struct trace_columns {
    enum column : unsigned { tags, times, slots, distances, sizes, stacks, rest, count };
    std::uint32_t lengths[count] = {};
    std::vector<std::byte> bytes;
};

/// Takes records apart up to the first zero tag or the end. @returns the bytes taken, or 0
std::size_t split(std::span<const std::byte> records, bool with_stacks, trace_columns& out);

}  // namespace ashlar
