// src/observe/recorder/call_stacks.hpp - which stack a thread asks from, as a number that its trace knows.
//
// Layer:      observe
// Source:     a tree of (caller, place), each frame of it numbered when it is first met.
// Picture:    walk: [ as before | new frames ] -> the number of the last shared frame -> (number, ip) -> number -> ...
// Complexity: two loads a frame for a stack seen just before; an expected O(1) look-up for each other frame.
// Failure:    0 (not known) where there is no memory for the tables, or the trace is cut.
// Threads:    one per thread; it belongs to it.
// Invariants: call_stacks.I1  a number that is given out is defined in the thread's stream before
//             call_stacks.I2  numbers of the tables speak of the modules of this epoch (unwind/rule_cache.hpp)
// Checked by: tests/observe/recorder
#pragma once

#include <cstdint>

#include "../trace_stream.hpp"
#include "../unwind/unwinder.hpp"
#include "number_table.hpp"

namespace ashlar::recorder {

class call_stacks {
public:
    /// @returns what a thread needs to tell stacks; null without memory
    static call_stacks* make() noexcept;
    static void destroy(call_stacks*) noexcept;

    /// @pre depth > 0 @returns the stack's number
    std::uint32_t note(unwind::registers from, std::size_t depth, trace_file& file, trace_stream& stream,
                       std::uint64_t ticks) noexcept;
    /// What was told was told to another recording, or was left in the middle.
    void forget() noexcept;

private:
    std::uint32_t define(std::uint32_t parent, std::size_t from, std::size_t to, trace_file& file, trace_stream& stream,
                         std::uint64_t ticks) noexcept;
    std::uint32_t number_of_place(std::uintptr_t ip, trace_file& file, trace_stream& stream, std::uint64_t ticks) noexcept;

    unwind::unwinder walker_;
    number_table stacks_;              ///< (ip, parent) -> number
    number_table places_;              ///< (ip, 0) -> number + 1
    std::size_t begin_ = 0;            ///< index of the outermost frame that was numbered
    std::uint32_t root_ = 0;           ///< its parent
    std::uint32_t epoch_ = 0;
    bool numbered_ = false;            ///< the walk before was numbered, from begin_ on
};

/// Prepares what all threads share. @pre one thread
void prepare_call_stacks() noexcept;

}  // namespace ashlar::recorder
