// ashlar/malloc/misuse.hpp - what the malloc says when it is given a pointer that it must not be given.
//
// Layer:      malloc
// Complexity: a plain value; made on the way to a report only.
// Failure:    none.
// Threads:    a handler may be called from any thread, several at once, without any lock of the malloc held.
// Checked by: tests/malloc/misuse_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::malloc {

enum class misuse_kind : std::uint8_t {
    foreign,     ///< memory that this malloc did not grant: another allocator's, a stack, a constant, freed long ago
    interior,    ///< inside a block, not at its start
    unused,      ///< at a place where a block could start, but none was granted yet
    twice,       ///< a block that is free already
    corrupted,   ///< a free block that was written to
    wrong_size,  ///< a block that is deleted with a size that is not its own
    overrun,     ///< a block around whose end or start something was written
};

struct misuse {
    misuse_kind kind;
    const char* call;  ///< "free", "realloc", ...
    const void* pointer;
    const void* block;  ///< the start of the block around the pointer; null when there is none
    std::size_t size;   ///< of that block
    std::size_t said = 0;  ///< the size that the caller gave: wrong_size
};

/// May end the process. If it returns, the call that was misused has no effect.
using misuse_handler = void (*)(const misuse&);

}  // namespace ashlar::malloc
