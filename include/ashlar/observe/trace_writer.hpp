// ashlar/observe/trace_writer.hpp - write a trace from events at hand: importers, made-up workloads, tests.
//
// Layer:      observe
// Source:     docs/trace_format.md. The same file and record code as the recorder's.
// Complexity: write O(1), a few system calls per 4 to 256 KiB; 2 KiB of memory per thread.
// Failure:    an unusable path makes the writer false with one sentence in error(); when the disk is full or the
//             file limit is reached, write() is false from then on and the trace says that it was cut.
// Threads:    one at a time (the recorder's streams are not this class).
// Invariants: trace_writer.I1  what was written before a write() that is false can be read
// Checked by: tests/observe/trace_writer_test.cpp
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_info.hpp"
#include "ashlar/observe/trace_stacks.hpp"

namespace ashlar {

class trace_writer {
public:
    /// What the trace shall say of its process.
    struct subject {
        std::vector<std::string> command_line;
        std::string executable;
        std::uint32_t process = 0;
        std::uint32_t parent = 0;
        bool forked = false;
        std::uint64_t start_unix_ns = 0;
        std::uint32_t stack_depth = 0;  ///< not 0: events tell stacks, of at most so many frames
        std::uint64_t sample_mean = 0;  ///< not 0: the events are a sample
        bool tells_memory = false;      ///< tell_memory() may be called
        bool tells_maps = false;        ///< events may be mappings and libraries
    };
    static constexpr std::uint32_t thread_limit = 1U << 20;

    /// Creates the file. It must not exist: another program may be writing a trace of that name by memory, and
    /// emptying the file under it would kill it.
    static trace_writer create(const std::string& path, const subject& about);

    trace_writer(trace_writer&&) noexcept;
    trace_writer& operator=(trace_writer&&) noexcept;
    ~trace_writer();  ///< closes

    explicit operator bool() const noexcept;
    const std::string& error() const noexcept;

    /// Appends to the event's thread. @pre e.thread < thread_limit; a thread's times do not decrease
    /// A thread_begin is implied by a thread's first event and need not be written.
    bool write(const event& e) { return write(e, e.time_ns); }
    /// For a move that lasted from began_ns to e.time_ns. @pre began_ns <= e.time_ns
    bool write(const event& e, std::uint64_t began_ns);

    /// Describes a file that places are in. @pre the subject has stacks, 0 < number < trace_stacks::module_limit
    bool define_module(std::uint32_t number, const trace_module& what);
    /// Defines a stack of the thread's: a place, called from another stack of the same thread, or from what trace_stacks
    /// calls unknown or cut. @returns the number by which the thread's events may name it; 0 if it cannot be written
    std::uint32_t define_stack(std::uint32_t thread, std::uint32_t parent, trace_place place);

    /// What memory the process has at that time, in bytes. @returns as write()
    bool tell_memory(std::uint64_t time_ns, std::uint64_t resident, std::uint64_t committed);

    /// The text that the thread's next event names (names_text()). @pre the subject tells_maps @returns as write()
    bool tell_text(std::uint32_t thread, std::string_view text);

    /// Names a thread, in at most 15 bytes. Takes effect from its next chunk, at the latest when it is closed.
    void name_thread(std::uint32_t thread, std::string_view name);

    void count_dropped(std::uint64_t events);

    /// Ends every thread's chunk and marks the trace closed as of that time. @returns whether all was written
    bool close(std::uint64_t end_ns);

private:
    struct body;
    explicit trace_writer(std::unique_ptr<body>) noexcept;
    std::unique_ptr<body> body_;
};

}  // namespace ashlar
