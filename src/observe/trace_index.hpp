// src/observe/trace_index.hpp - what is in a trace: its header, its threads and their chunks.
//
// Layer:      observe
// Source:     docs/trace_format.md.
// Complexity: O(chunks) reads of 64 bytes; 24 bytes per chunk and 48 per thread, both less than they take in the file.
// Failure:    read_index() gives one sentence if the file is no trace that this version reads; what is damaged
//             further on is counted and stepped over.
// Threads:    one at a time.
// Invariants: trace_index.I1  every chunk lies inside the file, and they do not overlap
// Checked by: tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ashlar/observe/trace_format.hpp"
#include "ashlar/observe/trace_info.hpp"
#include "trace_clock.hpp"
#include "trace_source.hpp"

namespace ashlar {

struct trace_chunk_place {
    std::uint64_t offset;     ///< of the chunk's header
    std::uint32_t bytes;      ///< of records that are in the file
    std::uint32_t thread;     ///< as the file numbers it
    std::uint32_t sequence;
    bool closed;              ///< `bytes` are exactly the records, and the checksum holds for them
    bool truncated;           ///< the file ends inside
};

struct trace_thread {
    std::size_t first = 0;    ///< its chunks are [first, last) of trace_index::chunks, in order
    std::size_t last = 0;
    std::uint64_t start_ticks = 0;
    std::uint32_t os_id = 0;
    char name[16] = {};
};

struct trace_index {
    trace_info info;
    bool is_packed = false;       ///< chunks may be compressed
    bool tells_memory = false;    ///< records may tell what memory the process has
    std::uint64_t start_ticks = 0;
    std::uint64_t end_ticks = 0;  ///< the latest moment known, at least start_ticks
    std::vector<trace_chunk_place> chunks;
    std::vector<trace_thread> threads;
    trace_health health;          ///< what indexing alone has met

    fixed_scale ns_per_tick;      ///< by info.ticks_per_second

    std::uint64_t ns_of(std::uint64_t ticks) const noexcept { return ticks <= start_ticks ? 0 : ns_per_tick(ticks - start_ticks); }
};

/// @returns "" and fills `index`, or says in one sentence why the file cannot be read.
std::string read_index(const trace_source& source, trace_index& index);

}  // namespace ashlar
