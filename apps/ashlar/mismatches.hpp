// apps/ashlar/mismatches.hpp - blocks freed by a call of another family than the one that granted them.
//
// Layer:      apps/ashlar
// Source:     ISO C++20 [new.delete.single] p10, [new.delete.array] p9; ISO C23 7.24.3.3; memcheck's "mismatched free".
// Picture:    malloc, calloc, realloc, aligned_alloc ... -> free, realloc | new -> delete | new[] -> delete[]
// Complexity: one reading of the trace; memory for the blocks that are live at a time.
// Failure:    as the reader's.
// Threads:    main's thread.
// Checked by: tests/tool/check_program_test.py
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ashlar/observe/trace_reader.hpp"
#include "stack_view.hpp"

namespace ashlar::app {

/// All blocks that one stack asked for by one call, and that another freed.
struct mismatch {
    event_kind granted_by{};
    event_kind freed_by{};
    std::uint32_t stack = 0;  ///< of the request; 0 if not known
    std::uint64_t blocks = 0;
};
/// Reads the trace from where it is to its end. @returns most blocks first
std::vector<mismatch> find_mismatches(trace_reader& trace);

/// The most frequent, each with the place that asked, for the terminal.
std::string mismatches_text(const stack_view* view, const std::vector<mismatch>& found, std::size_t most);

}  // namespace ashlar::app
