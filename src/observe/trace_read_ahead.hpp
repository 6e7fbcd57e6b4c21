// src/observe/trace_read_ahead.hpp - chunks of a packed trace read, checked and unpacked, also by another thread beforehand.
//
// Layer:      observe
// Picture:    cursor: [ decodes chunk 1 ][ decodes chunk 2 ]...      helper: [ unpacks 2 ][ unpacks 3 ]...
// Complexity: O(bytes of a chunk); one lock per chunk. At most `most` chunks are under way.
// Failure:    a chunk that cannot be read says so. Where there can be no other thread, or enough is under way, begin() is false.
// Threads:    begin() and finish() by one thread; it and the helper share nothing but an ahead_chunk under way.
// Invariants: trace_read_ahead.I1  between begin() and finish() an ahead_chunk belongs to the helper
// Checked by: tests/observe/trace_pack_test.cpp
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "trace_index.hpp"
#include "trace_packing.hpp"

namespace ashlar {

struct loaded_chunk {
    trace_format::chunk_header header{};
    bool has_header = false;
    bool is_packed = false;   ///< it says so
    bool is_whole = false;    ///< its checksum holds, and the columns lie in `plain`
    std::vector<std::byte> stored, plain;
    records_in_columns columns{};
};

/// Reads the header, and the rest if the chunk is packed and all of it is there.
void load_chunk(const trace_source& source, const trace_chunk_place& place, trace_packing& packing, loaded_chunk& to);

struct ahead_chunk {
    trace_chunk_place place{};
    loaded_chunk chunk;
    bool is_begun = false;  ///< who reads the trace alone looks at it
    bool is_done = false;   ///< under the lock
    std::exception_ptr failure;
};

class trace_read_ahead {
public:
    explicit trace_read_ahead(const trace_source& source);
    trace_read_ahead(const trace_read_ahead&) = delete;
    trace_read_ahead& operator=(const trace_read_ahead&) = delete;
    ~trace_read_ahead();

    /// The helper is to load the chunk. @pre not begun @returns whether it will
    bool begin(ahead_chunk& a, const trace_chunk_place& place);
    /// Waits for it. @pre begun @post not begun @throws what load_chunk has thrown
    void finish(ahead_chunk& a);

private:
    static constexpr std::size_t most = 16;
    void run();

    const trace_source& source_;
    trace_packing packing_;
    std::mutex lock_;
    std::condition_variable wanted_, done_;
    std::deque<ahead_chunk*> queue_;
    std::size_t begun_ = 0;
    bool ends_ = false;
    std::thread helper_;
};

}  // namespace ashlar
