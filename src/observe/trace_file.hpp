// src/observe/trace_file.hpp - the file under a trace: its header, and space in it that threads write to by memory.
//
// Layer:      observe
// Source:     docs/trace_format.md.
// Picture:    [ header | window of a thread | window of another | ... ]  <- cursor_ (next free offset)
//             a window is mapped by its owner alone; tails_ keeps what ended threads left of theirs
// Complexity: take() is one atomic addition and four system calls, once per 4 to 256 KiB; O(1) otherwise.
// Failure:    no space, no file, no address space: take() says so, the trace is marked cut, and nobody is disturbed.
// Threads:    every member from any thread once open() has returned. Nothing locks, allocates or changes errno.
// Invariants: trace_file.I1  windows are disjoint, and their space is reserved before anyone writes to it
//             trace_file.I2  a descriptor is used only while it still leads to our file
//             trace_file.I3  the header tells a length that the file has, and that no window handed out goes beyond
// Checked by: tests/observe/trace_file_test.cpp, tests/observe/recorder
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ashlar/observe/trace_format.hpp"
#include "ashlar/observe/trace_info.hpp"
#include "trace_clock.hpp"
#include "trace_system.hpp"

namespace ashlar {

/// Mapped, zeroed, unused space of the file: [at, end) in the mapping [base, end).
struct trace_window {
    std::byte* base = nullptr;
    std::byte* at = nullptr;
    std::byte* end = nullptr;
    trace_format::chunk_header* before = nullptr;  ///< the closed chunk whose capacity still covers [at, end)
};

/// What the header says of the recorded process.
struct trace_subject {
    std::uint32_t process = 0;
    std::uint32_t parent = 0;
    std::uint64_t process_start = 0;
    std::uint32_t flags = 0;
    std::uint32_t stack_depth = 0;  ///< 0: without call stacks
    std::uint64_t sample_mean = 0;  ///< 0: every event
    bool tells_memory = false;
    bool tells_maps = false;
    std::string_view command_line;  ///< arguments, each ended by a zero
    std::string_view executable;
};

class trace_file {
public:
    static constexpr std::size_t path_limit = 4096;

    constexpr trace_file() noexcept = default;
    trace_file(const trace_file&) = delete;
    trace_file& operator=(const trace_file&) = delete;

    /// Creates the file and writes its header. @pre not open; path is absolute if the program may change its directory
    /// @returns 0 or the errno number: EEXIST if there is something of that name already
    int open(const char* path, const trace_subject& subject, const trace_clock& clock) noexcept;

    /// Space for a chunk: what an ended thread left if `tails_too`, else at least `bytes` of new space.
    /// @returns a window with base == nullptr if there is none; the trace is then cut
    trace_window take(std::size_t bytes, bool tails_too) noexcept;

    /// Keeps the rest of a window for another thread, or gives its mapping back if it is not worth it.
    void leave(trace_window rest) noexcept;

    /// Stop for good: marks the trace unless it is marked already.
    void cut(trace_cut why) noexcept;
    bool is_cut() const noexcept { return cut_.load(std::memory_order_relaxed); }

    /// Says how the recording ended, unless it was cut. Events after it are still written.
    void mark_ended(trace_state how, std::uint64_t ticks, std::uint64_t monotonic_ns) noexcept;

    /// Ends the recording while the process goes on: whoever still writes finds no more space, and others may have the file.
    void finish(std::uint64_t ticks, std::uint64_t monotonic_ns) noexcept;

    void count_dropped(std::uint64_t events) noexcept;
    std::uint32_t next_thread() noexcept { return threads_.fetch_add(1, std::memory_order_relaxed); }
    const trace_clock& clock() const noexcept { return clock_; }

    /// From now on it is time, now and then, to tell what memory this process has. @pre open, its subject tells_memory
    void watch_memory() noexcept { next_memory_.store(0, std::memory_order_relaxed); }
    /// @returns whether it is time. Then it is not again for 2 ms, or for a thousandth of the time since the start, if that is
    ///          more: a trace has a few thousand of them however long it is.
    bool is_time_for_memory(std::uint64_t ticks) noexcept {
        std::uint64_t next = next_memory_.load(std::memory_order_relaxed);
        if (ticks < next) return false;
        const std::uint64_t passed = ticks > clock_.start_ticks() ? ticks - clock_.start_ticks() : 0;
        const std::uint64_t least = clock_.ticks_per_second() / 500, part = passed / 1024;
        return next_memory_.compare_exchange_strong(next, ticks + (part > least ? part : least), std::memory_order_relaxed);
    }
    bool is_open() const noexcept { return header_ != nullptr; }
    const char* path() const noexcept { return path_; }

    /// Lets go of descriptor, header mapping and tails, and leaves the file as it is. @post not open
    void release() noexcept;
    /// What a fork's child does instead: the mappings are the parent's business, the descriptor may be anyone's.
    void forget() noexcept;

private:
    static constexpr std::size_t tail_count = 16;
    static constexpr std::size_t least_tail = 512;

    /// Where a tail's own description stands until the tail is used again: after the magic of a chunk to come.
    struct tail {
        std::uint64_t no_magic;
        std::byte* base;
        std::byte* end;
        trace_format::chunk_header* before;
    };

    void write_header(const trace_subject& subject) noexcept;
    int usable_file() noexcept;
    trace_window take_tail() noexcept;
    void tell_given(std::uint64_t end) noexcept;

    trace_format::file_header* header_ = nullptr;
    std::size_t header_bytes_ = 0;
    std::atomic<std::uint64_t> cursor_{0};
    std::atomic<int> file_{-1};
    trace_system::file_identity identity_;
    std::atomic<std::uint32_t> threads_{0};
    std::atomic<bool> cut_{false};
    std::atomic<std::uint64_t> next_memory_{UINT64_MAX};
    std::atomic<tail*> tails_[tail_count] = {};
    trace_clock clock_;
    char path_[path_limit] = {};
};

}  // namespace ashlar
