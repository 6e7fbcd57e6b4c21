// src/observe/trace_cursor.hpp - one thread's events, chunk after chunk.
//
// Layer:      observe
// Source:     docs/trace_format.md, chunks and records.
// Complexity: next() O(1); at most 16 KiB of the file, or one packed chunk, are in memory.
// Failure:    a chunk with a wrong checksum is left out, a chunk with an impossible record is left at it; both are
//             counted, and reading goes on with the next chunk.
// Threads:    one at a time.
// Checked by: tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ashlar/observe/trace_codec.hpp"
#include "trace_definitions.hpp"
#include "trace_index.hpp"
#include "trace_packing.hpp"

namespace ashlar {

class trace_cursor {
public:
    /// stacks: where the call stacks go; null for a trace without. packing: one for all cursors of a reader
    trace_cursor(const trace_source& source, std::span<const trace_chunk_place> chunks, trace_health& health,
                 trace_stacks* stacks, trace_packing& packing, const trace_index& index, std::vector<memory_sample>& memory)
        : source_(source), chunks_(chunks), health_(health), packing_(packing), index_(index), memory_(memory) {
        if (stacks != nullptr) definitions_.emplace(*stacks);
    }

    /// Fills in the next event, its thread and time_ns excepted. @returns whether there was one
    bool next(event& e, record_time& when);

private:
    static constexpr std::size_t window = 16 * 1024;

    bool enter_chunk();
    bool unpack(const trace_chunk_place& place, const trace_format::chunk_header& c);
    bool checksum_holds(const trace_format::chunk_header& c);
    void refill();
    const std::byte* take_memory(const std::byte* at, const std::byte* end);
    const std::byte* take(const std::byte* from, const std::byte* end, event& e, record_time& when, bool& is_event);

    const trace_source& source_;
    std::span<const trace_chunk_place> chunks_;  ///< those not entered yet
    trace_health& health_;
    trace_packing& packing_;
    const trace_index& index_;
    std::vector<memory_sample>& memory_;
    bool inside_ = false;
    bool closed_ = false;      ///< of the chunk we are in
    bool truncated_ = false;
    std::uint64_t offset_ = 0;     ///< in the file, of what follows the buffer
    std::uint64_t remaining_ = 0;  ///< bytes of the chunk that follow the buffer
    std::vector<std::byte> buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    record_decoder decoder_;
    std::optional<trace_definitions> definitions_;
};

}  // namespace ashlar
