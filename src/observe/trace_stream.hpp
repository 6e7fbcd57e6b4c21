// src/observe/trace_stream.hpp - one thread's records on their way into the file.
//
// Layer:      observe
// Source:     docs/trace_format.md, chunks.
// Picture:    chunk [ header | record | record | at_ ... limit_ | room for one more record ]
// Complexity: write() is O(1) and makes no system call unless a chunk is full; chunks double from a page to 256 KiB.
// Failure:    write() is false if the trace is cut; nothing else changes.
// Threads:    one at a time. An interrupted write() must not be entered again (the recorder's guard sees to it).
// Invariants: trace_stream.I1  bytes from at_ to the end of the chunk are zero
// Checked by: tests/observe/trace_writer_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/observe/trace_codec.hpp"
#include "trace_file.hpp"

namespace ashlar {

class trace_stream {
public:
    constexpr trace_stream() noexcept = default;

    /// @pre not begun, or ended, or dropped
    void begin(std::uint32_t thread, std::uint32_t os_thread) noexcept;

    /// Makes the thread known as of that time, before it has an event. @returns as write
    bool open(trace_file& file, std::uint64_t start_ticks) noexcept {
        return at_ != nullptr || open_chunk(file, start_ticks);
    }

    /// Writes one event. @pre begun; as record_encoder::encode
    [[gnu::always_inline]] bool write(trace_file& file, const event& e, record_time when) noexcept {
        if (at_ > limit_ || at_ == nullptr) [[unlikely]] {
            if (!open_chunk(file, when.begin)) return false;
        }
        at_ = encoder_.encode(at_, e, when);
        return true;
    }

    /// Closes the chunk and leaves what remains of the window to other threads. The stream may go on with a new chunk.
    void end(trace_file& file) noexcept;

    /// Forgets a chunk that a write left unfinished for good: what it had written before the first byte is wiped.
    [[gnu::cold]] void abandon_record() noexcept;

    /// Forgets chunk and window without touching them. @post as after end()
    void drop() noexcept;

    /// For threads whose name is not the running thread's (writers of made-up traces).
    void set_name(const char (&name)[16]) noexcept;

private:
    static constexpr std::size_t most = 256 * 1024;

    [[gnu::cold]] bool open_chunk(trace_file& file, std::uint64_t start_ticks) noexcept;
    void close_chunk() noexcept;

    std::byte* at_ = nullptr;
    std::byte* limit_ = nullptr;  ///< the last place where a record surely fits
    trace_format::chunk_header* chunk_ = nullptr;
    trace_window window_;
    std::size_t next_bytes_ = 0;
    std::uint32_t thread_ = 0;
    std::uint32_t os_thread_ = 0;
    std::uint32_t sequence_ = 0;
    bool named_ = false;
    char name_[16] = {};
    record_encoder encoder_;
};

}  // namespace ashlar
