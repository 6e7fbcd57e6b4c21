// ashlar/observe/summary.hpp - what a trace comes to: the figures of a report, counted in one pass.
//
// Layer:      observe
// Source:     the definitions are docs/report.md's; counts agree with Valgrind's on the same program.
// Picture:    event, event, event ... -> summary_builder -> summary
// Complexity: expected O(1) an event. Memory: address_map.hpp with slots of 48 bytes; the rest is bounded,
//             below 20 MiB, with call stacks 184 bytes for each of them, and what realloc_chains.hpp needs.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: summary.I1  allocations == frees + leaked.blocks + lost_frees
//             summary.I2  the sums over kinds, lifetimes, threads and the timeline are the totals
// Checked by: tests/observe/summary_test.cpp
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/realloc_chains.hpp"
#include "ashlar/observe/stack_costs.hpp"
#include "ashlar/observe/timeline.hpp"
#include "ashlar/observe/trace_reader.hpp"

namespace ashlar {

/// Powers of two: class 0 holds 0, class c holds 2^(c-1) .. 2^c - 1.
inline constexpr std::size_t power_classes = 65;
constexpr std::size_t power_class(std::uint64_t n) noexcept {
    return static_cast<std::size_t>(std::bit_width(n));
}
constexpr std::uint64_t power_class_from(std::size_t c) noexcept {
    return c == 0 ? 0 : std::uint64_t{1} << (c - 1);
}
constexpr std::uint64_t power_class_to(std::size_t c) noexcept {
    return c == 0 ? 0 : power_class_from(c) - 1 + power_class_from(c);
}
using power_histogram = std::array<tally, power_classes>;
/// By size class, then by lifetime class.
using power_grid = std::array<power_histogram, power_classes>;

struct summary {
    struct kind_row {
        event_kind kind{};
        std::uint64_t events = 0;  ///< failed ones included
        std::uint64_t failed = 0;
        std::uint64_t bytes = 0;   ///< granted, for requests
    };
    struct size_row {
        std::uint64_t size = 0;
        std::uint64_t blocks = 0;
    };
    struct thread_row {
        std::uint32_t thread = 0;  ///< `other_threads`: all threads past thread_limit together
        std::string name;
        std::uint64_t allocations = 0;
        std::uint64_t bytes_allocated = 0;
        std::uint64_t peak_bytes = 0;  ///< greatest sum of its own blocks, whoever freed them
        std::uint64_t frees = 0;
        std::uint64_t remote_frees = 0;  ///< among `frees`: blocks of another thread
        std::uint64_t live_bytes = 0;       ///< of its own blocks, now: at the end, what leaked
    };
    struct crossing {
        std::uint32_t born = 0;  ///< the thread that allocated
        std::uint32_t died = 0;  ///< the other thread, that freed
        tally freed;
    };
    /// What the program has mapped by itself.
    struct mapping {
        std::uint64_t maps = 0;
        std::uint64_t unmaps = 0;
        std::uint64_t bytes = 0;         ///< of all maps
        std::uint64_t live_bytes = 0;    ///< at the end
        std::uint64_t peak_bytes = 0;
        std::uint64_t peak_time_ns = 0;
    };
    /// A library that the program asked for, or let go.
    struct library {
        std::uint64_t time_ns = 0;
        std::uint64_t text = 0;          ///< the event's number of it
        std::uint32_t thread = 0;
        bool loaded = false;
        std::string name;                ///< filled in by summarise()
    };
    static constexpr std::size_t library_limit = 1024;
    static constexpr std::uint32_t thread_limit = 512;
    static constexpr std::uint32_t other_threads = thread_limit;
    static constexpr std::size_t size_limit = 65536;

    std::uint64_t sample_mean = 0;         ///< not 0: the trace is a sample, and all that counts blocks and bytes is an estimate
    std::uint64_t events = 0;
    std::uint64_t allocations = 0;         ///< blocks granted; a reallocation is one allocation and one free
    std::uint64_t frees = 0;               ///< of blocks whose allocation is in the trace
    std::uint64_t bytes_allocated = 0;
    std::uint64_t peak_bytes = 0;
    std::uint64_t peak_time_ns = 0;        ///< when peak_bytes was first reached
    std::uint64_t peak_event = 0;          ///< the number of events until then, that one included; 0 if nothing was granted
    std::uint64_t blocks_at_peak = 0;
    std::uint64_t peak_blocks = 0;         ///< the greatest number of blocks: another moment, perhaps
    tally leaked;                          ///< live after the last event
    std::uint64_t threads = 0;
    std::uint64_t failed_requests = 0;
    std::uint64_t reallocations = 0;       ///< of a block, granted
    std::uint64_t reallocations_in_place = 0;
    std::uint64_t zero_size = 0;           ///< granted requests for 0 bytes
    std::uint64_t null_frees = 0;          ///< free(NULL)
    std::uint64_t foreign_frees = 0;       ///< of blocks whose allocation is not in the trace
    std::uint64_t lost_frees = 0;          ///< blocks whose address was granted again without a free
    tally temporary;                       ///< freed by their thread before it allocated again
    tally remote;                          ///< freed by another thread than allocated them
    std::uint64_t duration_ns = 0;         ///< to the end of the trace, not only to its last event

    std::vector<kind_row> kinds;           ///< those that occur, in event_kind's order
    std::vector<size_row> sizes;           ///< every distinct size, the most frequent first
    tally uncounted_sizes;                 ///< blocks of further sizes once size_limit distinct ones were met
    power_histogram by_size{};
    power_histogram alignments{};          ///< of requests that state one
    power_grid lives_in_time{};            ///< size class, class of nanoseconds lived; freed blocks only
    power_grid lives_in_bytes{};           ///< size class, class of bytes allocated meanwhile
    power_histogram never_freed{};         ///< by size class
    std::vector<thread_row> per_thread;    ///< in the order of their first events
    std::vector<crossing> crossings;       ///< most blocks first
    realloc_chains::figures chains;        ///< of blocks whose allocation is in the trace
    std::vector<stack_costs::row> stacks;  ///< what each call stack cost; number 0 is all whose stack is not known
    mapping mapped;                        ///< of a trace that tells mappings
    std::vector<library> libraries;        ///< the first library_limit
    timeline over_time;
    trace_malloc behind = trace_malloc::unknown;
    std::uint64_t usable_at_peak = 0;      ///< bytes that the blocks live at the peak have
    std::vector<memory_sample> memory;     ///< of the process, as the trace tells it: of each bucket of over_time the greatest
};

/// Takes events one by one; the summary may be asked for at any time.
class summary_builder {
public:
    /// For the events of a trace whose info() tells this sample_mean, and whose blocks that malloc granted: its rules say
    /// how much of a block could be used.
    explicit summary_builder(std::uint64_t sample_mean = 0, trace_malloc behind = trace_malloc::unknown);
    ~summary_builder();
    summary_builder(summary_builder&&) noexcept;
    summary_builder& operator=(summary_builder&&) noexcept;

    /// @pre time_ns is not less than in any event before
    void add(const event&);

    /// `end_ns` is when the recording ended; the last event counts if it came later.
    std::unique_ptr<summary> finish(std::uint64_t end_ns) const;

private:
    struct body;
    std::unique_ptr<body> body_;
};

/// Reads the trace from where it is to its end. @pre reader
std::unique_ptr<summary> summarise(trace_reader& reader);

}  // namespace ashlar
