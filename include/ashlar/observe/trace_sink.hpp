// ashlar/observe/trace_sink.hpp - what is asked of one allocator of a program, as a trace for the tool `ashlar`.
//
// Layer:      observe
// Picture:    tracked<A, event_observer<trace_sink>> --event--> trace_sink --> FILE --> ashlar report, export, check, replay
// Complexity: a record of some 4 bytes and a look-up an event; 40 bytes per live block.
// Failure:    a file that cannot be made: false, with error(). A full disk, or no memory for its own notes: the allocator goes on,
//             and the trace says that it is cut, or how many events are missing.
// Threads:    one at a time, as tracked: compose/locked.hpp over the whole. Events tell which thread it was.
// Invariants: trace_sink.I1  live_ holds the addresses that the trace has granted and not released
// Checked by: tests/observe/trace_sink_test.cpp
//
// Make a sink by create(), give tracked<A, event_observer<trace_sink>> its address as counter<event_observer<trace_sink>>().sink,
// and close() it when the allocator has done its work.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_writer.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar {

class trace_sink {
public:
    /// The file must not exist. `what` stands where the report of a recorded program tells its command line.
    static trace_sink create(const std::string& path, const std::string& what = "an allocator") {
        return trace_sink(trace_writer::create(path, {.command_line = {what}, .executable = {}}));
    }

    explicit operator bool() const noexcept { return static_cast<bool>(to_); }
    const std::string& error() const noexcept { return to_.error(); }

    /// Stamps the event and writes it.
    void operator()(event e) noexcept {
        try {
            e.time_ns = os::now_ns() - start_ns_;
            e.thread = number_of(os::thread_id());
            if (e.released() != 0) live_.erase(e.released());
            if (e.granted() != 0) live_.insert(e.granted());  // trace_sink.I1
            to_.write(e);
        } catch (const std::bad_alloc&) {
            to_.count_dropped(1);
        }
    }

    /// The allocator has taken back all blocks at once: the trace releases each.
    void forget_blocks() noexcept {
        for (const std::uint64_t address : std::exchange(live_, {})) {
            (*this)({.address = address, .kind = event_kind::free});  // trace_sink.I1
        }
    }

    /// @returns whether all of it is in the file. Without it the file says that its process was killed.
    bool close() { return to_.close(os::now_ns() - start_ns_); }

private:
    explicit trace_sink(trace_writer to) : to_(std::move(to)), start_ns_(os::now_ns()) {}

    std::uint32_t number_of(std::uint32_t os_thread) {
        return threads_.try_emplace(os_thread, static_cast<std::uint32_t>(threads_.size())).first->second;
    }

    trace_writer to_;
    std::uint64_t start_ns_;
    std::unordered_set<std::uint64_t> live_;
    std::unordered_map<std::uint32_t, std::uint32_t> threads_;
};

}  // namespace ashlar
