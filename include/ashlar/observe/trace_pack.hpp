// ashlar/observe/trace_pack.hpp - make a finished trace smaller: its chunks compressed, an index of them at its end.
//
// Layer:      observe
// Source:     docs/trace_format.md, packed traces.
// Picture:    [ header | chunk | chunk | ... ]  ->  [ header | packed | packed | ... | index ]   beside it, then in its place
// Complexity: O(bytes); memory: a chunk, and 24 bytes for each.
// Failure:    the trace is as it was, nothing else is left, and a sentence says why.
// Threads:    any; one at a time for one trace.
// Invariants: trace_pack.I1  at any instant the path leads to a whole trace of the same events
//             trace_pack.I2  a trace that a process is still writing is not touched
// Checked by: tests/observe/trace_pack_test.cpp
#pragma once

#include <cstdint>
#include <string>

namespace ashlar {

struct packed_size {
    std::uint64_t before = 0;  ///< bytes of the file
    std::uint64_t after = 0;   ///< the same as before if it was packed already
};

/// @returns "", or one sentence that names the file
std::string pack_trace(const std::string& path, packed_size& size);

}  // namespace ashlar
