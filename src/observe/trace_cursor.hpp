// src/observe/trace_cursor.hpp - one thread's events, chunk after chunk.
//
// Layer:      observe
// Source:     docs/trace_format.md, chunks and records.
// Picture:    chunk --fill()--> up to 64 events, their places in the set of live addresses on their way to the cache --next()-->
// Complexity: next() O(1); at most 16 KiB of the file, or one packed chunk and the one after it, are in memory.
// Failure:    a chunk with a wrong checksum is left out, a chunk with an impossible record is left at it; both are
//             counted, and reading goes on with the next chunk.
// Threads:    one at a time.
// Checked by: tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "address_set.hpp"
#include "ashlar/observe/trace_codec.hpp"
#include "record_decoding.hpp"
#include "trace_definitions.hpp"
#include "trace_index.hpp"
#include "trace_read_ahead.hpp"

namespace ashlar {

/// The texts that events name, each once.
struct trace_texts {
    std::deque<std::string> all;
    std::unordered_map<std::string_view, std::uint64_t> numbers;
};

/// What all cursors of a reader share.
struct trace_reading {
    const trace_source& source;
    const trace_index& index;
    trace_health& health;
    trace_stacks* stacks;                ///< where the call stacks go; null for a trace without
    std::vector<memory_sample>& memory;
    trace_texts& texts;
    address_set live{};                  ///< for the cursors: only to be fetched
    trace_packing packing{};
    std::optional<trace_read_ahead> ahead{};
};

class trace_cursor {
public:
    struct noted {
        event what;  ///< thread and time_ns are the caller's to fill in
        record_time when;
        std::uint64_t released;  ///< what.released()
        std::uint64_t granted;
    };

    trace_cursor(trace_reading& of, std::span<const trace_chunk_place> chunks);
    trace_cursor(const trace_cursor&) = delete;
    trace_cursor& operator=(const trace_cursor&) = delete;
    ~trace_cursor();

    /// @returns the next event, or null after the last; it stays until the next call
    noted* next() {
        if (taken_ == filled_ && !fill()) return nullptr;
        return &batch_[taken_++];
    }

private:
    static constexpr std::size_t window = 16 * 1024;
    static constexpr std::size_t batch_limit = 64;

    bool fill();
    bool enter_chunk();
    void load(const trace_chunk_place& place);
    void enter_columns();
    bool enter_row(const trace_chunk_place& place);
    void decode_columns();
    void decode_row();
    template <class From>
    bool take(From& from);
    bool take_telling(unsigned tag, record_bytes& from);
    bool take_memory(record_bytes& from);
    bool take_text(record_bytes& from);
    void name_text(event& e);
    bool checksum_holds(const trace_format::chunk_header& c);
    void refill();

    trace_reading& of_;
    std::span<const trace_chunk_place> chunks_;  ///< those not entered yet
    std::vector<noted> batch_;
    std::size_t taken_ = 0;
    std::size_t filled_ = 0;
    bool inside_ = false;
    bool closed_ = false;      ///< of the chunk we are in
    bool truncated_ = false;
    std::uint64_t offset_ = 0;     ///< in the file, of what follows the buffer
    std::uint64_t remaining_ = 0;  ///< bytes of the chunk that follow the buffer
    std::vector<std::byte> buffer_;
    records_in_row row_{};         ///< in the buffer
    loaded_chunk chunk_;           ///< if it is packed, its columns are being decoded
    ahead_chunk after_;            ///< the one that follows
    record_decoder decoder_;
    std::optional<trace_definitions> definitions_;
    std::string text_;             ///< told for the event to come
};

}  // namespace ashlar
