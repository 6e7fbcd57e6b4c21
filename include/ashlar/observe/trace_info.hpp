// ashlar/observe/trace_info.hpp - what a trace says about the process it was taken from, and about its own health.
//
// Layer:      observe
// Source:     docs/trace_format.md, file header.
// Complexity: plain values, filled once when the trace is opened; `trace_health` grows while it is read.
// Failure:    none; an incomplete trace is a fact told here, not an error.
// Threads:    values.
// Checked by: tests/observe/trace_info_test.cpp, tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ashlar {

/// How the recording ended.
enum class trace_state : std::uint32_t {
    running = 0,   ///< no end was written: the process is still running, or it was killed, or it left by _exit
    closed = 1,    ///< the process ran its exit handlers
    cut = 2,       ///< recording stopped before the process did; trace_cut says why
    replaced = 3,  ///< the process went on as another program (exec), which has a trace of its own
};

/// Why recording stopped early.
enum class trace_cut : std::uint32_t {
    none = 0,
    disk_full = 1,   ///< no space, or over the quota
    file_limit = 2,  ///< the process's own limit on file size (ulimit -f)
    file_lost = 3,   ///< the program closed the file and it cannot be opened again
    no_memory = 4,   ///< no address space for the next window on the file
    io_error = 5,    ///< the file system refused for another reason
};

/// Which malloc granted the blocks.
enum class trace_malloc : std::uint32_t { unknown = 0, ashlar = 1, glibc = 2 };

/// What memory the process had at a moment of the recording.
struct memory_sample {
    std::uint64_t time_ns = 0;
    std::uint64_t resident = 0;   ///< bytes: all of it, code and mapped files included
    std::uint64_t committed = 0;  ///< bytes of private memory that may be written, resident or not
};

/// What is known as soon as a trace is open.
struct trace_info {
    std::uint32_t version = 0;
    std::uint32_t process = 0;                ///< process id
    std::uint32_t parent = 0;                 ///< process id of the parent when recording began
    bool forked = false;                      ///< a fork's child: blocks older than the fork are in the parent's trace
    std::uint32_t page_size = 0;
    std::vector<std::string> command_line;    ///< may be shortened; see command_line_cut
    bool command_line_cut = false;
    std::string executable;                   ///< path, "" if it was not known
    bool has_stacks = false;                  ///< requests tell their call stacks
    bool has_maps = false;                    ///< mappings and libraries are told, too
    std::uint32_t stack_depth = 0;            ///< the most frames that were kept of one
    std::uint64_t sample_mean = 0;            ///< bytes between samples; 0: every event is there
    trace_malloc behind = trace_malloc::unknown;
    std::uint64_t ticks_per_second = 0;       ///< of the clock that stamped the events
    std::uint64_t start_unix_ns = 0;          ///< wall clock at time_ns == 0
    std::uint64_t duration_ns = 0;            ///< to the last moment known at opening; a lower bound unless closed
    trace_state state = trace_state::running;
    trace_cut cut = trace_cut::none;
    std::uint64_t dropped_events = 0;         ///< events that happened and are not in the trace
    std::uint64_t threads = 0;                ///< threads with at least one event
    std::uint64_t chunks = 0;
    std::uint64_t file_bytes = 0;
};

/// What the reader met on its way; complete once next() has returned nullptr. All zero for a sound trace.
struct trace_health {
    std::uint64_t truncated_chunks = 0;  ///< the file ends inside them
    std::uint64_t missing_bytes = 0;     ///< the file was longer once: its end is not there
    std::uint64_t damaged_chunks = 0;    ///< wrong checksum (left out) or an impossible record (left at it)
    std::uint64_t missing_chunks = 0;    ///< gaps in a thread's numbering
    std::uint64_t skipped_bytes = 0;     ///< belonging to no chunk
    std::uint64_t foreign_releases = 0;  ///< of blocks whose grant is not in the trace (older than it, or lost)
    std::uint64_t forced_grants = 0;     ///< of addresses still live: their release is not in the trace
    friend constexpr bool operator==(const trace_health&, const trace_health&) = default;
};

/// @returns one sentence for people: "The process was killed or is still running: ...". Never empty.
std::string describe(const trace_info&);

/// @returns sentences for people on what could not be read; "" for a sound trace.
std::string describe(const trace_health&);

}  // namespace ashlar
