// ashlar/src/malloc/pprof.hpp - a heap profile in the format of pprof, without a library and without allocating.
//
// Layer:      malloc
// Source:     github.com/google/pprof, proto/profile.proto; the protocol buffers' wire format.
// Picture:    field number and kind, varint | field, length, bytes ...    a message in a message needs its length first,
//             so each small one is put together on the stack
// Complexity: O(rows and frames), when asked; some memory from the system for a set of addresses.
// Failure:    false when the system refuses that memory.
// Threads:    any; the rows must stay as they are meanwhile.
// Checked by: tests/malloc/program/profile.py, which decodes it by itself
#pragma once

#include "line.hpp"
#include "profile_table.hpp"

namespace ashlar::malloc {

struct profile_view {
    const profile_table::row* rows;  ///< those with granted != 0 count
    std::size_t row_count;
    const std::uintptr_t* frames;
    std::size_t frame_count;
    std::uint64_t mean;             ///< bytes between samples
    std::uint64_t started_unix_ns;
    std::uint64_t duration_ns;
};

bool write_pprof(const profile_view& profile, const sink& out) noexcept;

}  // namespace ashlar::malloc
