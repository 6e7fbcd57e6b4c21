// src/observe/recorder/modules.hpp - the numbers of the loaded files that the trace has been told of.
//
// Layer:      observe
// Picture:    pc --find_module--> file --> known? its number, else: next number, its description into this thread's stream
// Complexity: O(files told), where a place in code is met for the first time; nothing otherwise.
// Failure:    past most_modules, or when the trace is cut: number 0, and the place is told by its plain address.
// Threads:    any. A lock is held while a file is described, which happens once per file.
// Invariants: modules.I1  a number is seen by other threads after its description stands in the file
// Checked by: tests/observe/recorder
#pragma once

#include <cstdint>

#include "../trace_stream.hpp"

namespace ashlar::recorder {

struct code_place {
    std::uint32_t module = 0;
    std::uint64_t offset = 0;  ///< as trace_place::offset
};

code_place place_of(std::uintptr_t ip, trace_file& file, trace_stream& stream, std::uint64_t ticks) noexcept;

/// A new recording has been told of nothing. @pre no other thread records
void forget_modules() noexcept;

}  // namespace ashlar::recorder
