// src/observe/trace_stream.hpp - one thread's records on their way into the file.
//
// Layer:      observe
// Source:     docs/trace_format.md, chunks.
// Picture:    chunk [ header | record | record | at_ ... limit_ ... last_ | room for one more record ]
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

/// What is told of a loaded file.
struct trace_module_view {
    std::uint64_t bias = 0;
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
    const void* build_id = nullptr;
    std::size_t build_id_bytes = 0;
    const char* path = "";
    std::size_t path_bytes = 0;
};

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
            if (!go_on(file, when.begin)) return false;
        }
        at_ = encoder_.encode(at_, e, when);
        return true;
    }

    /// What follows tells call stacks, as the file's header says. @pre begun, no chunk yet
    void with_stacks() noexcept { stacks_ = true; }

    /// Define the thread's next number; `ticks` is for a new chunk. @returns the number, or no_number as write() is false
    std::uint32_t define_place(trace_file& file, std::uint64_t ticks, std::uint32_t module, std::uint64_t offset) noexcept;
    /// The first of the stacks has this parent, each further one the one before. @returns the first's number
    std::uint32_t define_stacks(trace_file& file, std::uint64_t ticks, std::uint32_t parent, const std::uint32_t* places,
                                std::size_t count) noexcept;
    bool define_module(trace_file& file, std::uint64_t ticks, std::uint32_t number, const trace_module_view& what) noexcept;
    static constexpr std::uint32_t no_number = UINT32_MAX;

    /// What memory the process has. @returns as write
    bool tell_memory(trace_file& file, std::uint64_t ticks, std::uint64_t resident, std::uint64_t committed) noexcept;
    /// A part of the text that the stream's next event names. @returns as write
    bool tell_text(trace_file& file, std::uint64_t ticks, const char* text, std::size_t size) noexcept;
    /// The memory of the running process, if the stream has a chunk with room for it.
    void note_memory(trace_file& file, std::uint64_t ticks) noexcept;

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
    static constexpr std::ptrdiff_t stop_bytes = 2048;  ///< between two looks at the clock for note_memory

    bool have_room(trace_file& file, std::uint64_t ticks) noexcept {
        return (at_ <= limit_ && at_ != nullptr) || go_on(file, ticks);
    }
    void commit(std::byte* head, unsigned tag, std::byte* after) noexcept;
    bool define_bytes(trace_file& file, std::uint64_t ticks, std::uint32_t number, unsigned part, const void* bytes,
                      std::size_t size) noexcept;
    /// Where a chunk is full, or a stop is reached. @returns whether there is room for a record
    [[gnu::cold]] bool go_on(trace_file& file, std::uint64_t ticks) noexcept;
    [[gnu::cold]] bool open_chunk(trace_file& file, std::uint64_t start_ticks) noexcept;
    void close_chunk() noexcept;

    std::byte* at_ = nullptr;
    std::byte* limit_ = nullptr;  ///< the next stop: up to it a record surely fits
    std::byte* last_ = nullptr;   ///< the last place where one does
    trace_format::chunk_header* chunk_ = nullptr;
    trace_window window_;
    std::size_t next_bytes_ = 0;
    std::uint32_t thread_ = 0;
    std::uint32_t os_thread_ = 0;
    std::uint32_t sequence_ = 0;
    std::uint32_t places_ = 0;  ///< numbers used
    std::uint32_t next_stack_ = trace_format::first_stack;
    bool stacks_ = false;
    bool named_ = false;
    char name_[16] = {};
    record_encoder encoder_;
};

}  // namespace ashlar
