// ashlar/observe/trace_reader.hpp - read a trace back as one stream of events, in the order they happened.
//
// Layer:      observe
// Source:     docs/trace_format.md; the merge is a k-way merge by time under address constraints.
// Picture:    thread 0 | e e e e |  --.
//             thread 1 | e e |      ---> merge by (time, live addresses) --> next() --> event
//             thread 2 | e e e |    --'
// Complexity: open O(chunks); next O(log threads). Memory: 20 KiB per thread alive at that time, or two chunks of a packed
//             trace; 23-46 bytes per kibibyte with a live block; never more than a small multiple of the file.
// Failure:    a file that is no trace of this version makes the reader false and error() one sentence; a damaged,
//             truncated or unfinished trace gives every event that can be trusted, and health() says what was lost.
// Threads:    one at a time.
// Invariants: trace_reader.I1  events of one thread keep that thread's order
//             trace_reader.I2  time_ns never decreases
//             trace_reader.I3  in a sound trace no event grants a live address or releases one that is not
//             trace_reader.I4  every call of next() consumes input: reading ends on any input
// Checked by: tests/observe/trace_reader_test.cpp, tests/observe/trace_order_test.cpp,
//             tests/fuzz/trace_reader_fuzz.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_info.hpp"
#include "ashlar/observe/trace_stacks.hpp"

namespace ashlar {

class trace_reader {
public:
    /// @returns a reader at the first event; false, with error() set, if the file is not a readable trace.
    static trace_reader open(const std::string& path);

    /// The same on bytes in memory, which must outlive the reader.
    static trace_reader open(std::span<const std::byte> bytes);

    trace_reader(trace_reader&&) noexcept;
    trace_reader& operator=(trace_reader&&) noexcept;
    ~trace_reader();

    explicit operator bool() const noexcept;

    /// @returns one sentence, without a full stop, that names the file; "" if the reader is good.
    const std::string& error() const noexcept;

    /// @returns the next event, or nullptr after the last (and always, on a reader that is false).
    ///          The event stays valid until the next call.
    const event* next();

    /// Go back to the first event; health() starts again from nothing.
    void rewind();

    const trace_info& info() const noexcept;
    const trace_health& health() const noexcept;

    /// What memory the process had, at moments of the recording: complete for the events given out so far, and in no order.
    /// Empty for traces that do not tell.
    std::span<const memory_sample> memory() const noexcept;

    /// The text that an event names (names_text()) by event::size. @pre the event was given out
    std::string_view text(std::uint64_t number) const noexcept;

    /// What event::stack speaks of: complete for the events given out so far. Without stacks in the trace it is empty.
    const trace_stacks& stacks() const noexcept;

    /// @returns the thread's last known name, "" if it has none. @pre thread < info().threads
    std::string_view thread_name(std::uint32_t thread) const noexcept;

    /// @returns the operating system's id of the thread. @pre thread < info().threads
    std::uint32_t thread_os_id(std::uint32_t thread) const noexcept;

private:
    struct body;
    explicit trace_reader(std::unique_ptr<body>) noexcept;
    std::unique_ptr<body> body_;
};

}  // namespace ashlar
