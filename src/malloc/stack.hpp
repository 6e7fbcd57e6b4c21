// ashlar/src/malloc/stack.hpp - the calls that led here: the one unwinder.
//
// Layer:      malloc
// Source:     the Itanium C++ ABI's unwinder in libgcc, which reads the tables that exceptions need too.
// Complexity: prepare: loads libgcc_s, once. capture: about a microsecond a frame.
// Failure:    prepare tells when there is no unwinder; capture then finds nothing.
// Threads:    capture: any, after prepare; it takes no lock and allocates nothing (glibc 2.35 and later).
// Checked by: tests/malloc/program/profile.py
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::malloc {

/// To be called outside of malloc, for it loads a library. @returns whether stacks can be captured
bool prepare_stacks() noexcept;

/// Return addresses of the callers, the innermost first, without this library's own. @returns how many
std::size_t capture_stack(std::uintptr_t* out, std::size_t most) noexcept;

}  // namespace ashlar::malloc
