// ashlar/observe/replay_script.hpp - a trace made ready to be done again: fixed-size steps on numbered slots.
//
// Layer:      observe
// Source:     Chilimbi, Jones and Zorn, "Designing a trace format for heap allocation events", ISMM 2000;
//             slots instead of addresses as in Firefox's logalloc replay.
// Picture:    malloc(40) = 0x5510   ->  { allocate,   slot 7, 40, 16 }
//             free(0x5510)          ->  { deallocate, slot 7, 40, 16 }     slot 7 may be used again
// Complexity: O(1) a step; 16 bytes a step, and a table entry for each block live at that time.
// Failure:    std::bad_alloc while it is made. Events that cannot be done again are left out and counted.
// Threads:    one at a time.
// Invariants: replay_script.I1  a slot is granted only while it is free and given back only while it is live
//             replay_script.I2  no step asks for 0 bytes, and every alignment is a power of two
// Checked by: tests/observe/replay_script_test.cpp
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "ashlar/foundation/event.hpp"
#include "ashlar/observe/trace_reader.hpp"

namespace ashlar {

enum class replay_op : std::uint8_t { allocate, allocate_zeroed, reallocate, deallocate };

/// One thing to do. For deallocate, size and alignment are those the block was granted for.
struct replay_step {
    std::uint64_t size = 0;
    std::uint32_t slot = 0;
    std::uint16_t thread = 0;  ///< the lowest 16 bits of its number
    std::uint8_t align_shift = 0;
    replay_op op = replay_op::allocate;

    constexpr std::uint64_t alignment() const noexcept { return std::uint64_t{1} << align_shift; }
    friend constexpr bool operator==(const replay_step&, const replay_step&) = default;
};
static_assert(sizeof(replay_step) == 16);

/// What the steps come to. Trivially copyable: it stands before the steps in the file that workers map.
struct replay_facts {
    std::uint64_t steps = 0;
    std::uint64_t slots = 0;             ///< the greatest number of blocks live at once
    std::uint64_t allocations = 0;       ///< allocate and allocate_zeroed
    std::uint64_t reallocations = 0;
    std::uint64_t deallocations = 0;
    std::uint64_t bytes_allocated = 0;   ///< a reallocation counts its new size
    std::uint64_t peak_bytes = 0;
    std::uint64_t live_bytes_at_end = 0;
    std::uint64_t largest_bytes = 0;
    std::uint64_t threads = 0;
    std::uint64_t failed_requests = 0;   ///< left out: they had no effect
    std::uint64_t foreign_releases = 0;  ///< left out: of blocks whose grant is not in the trace
    std::uint64_t cut = 0;               ///< 1 if the limit of steps left something out
    std::uint64_t lead_in = 0;           ///< steps before those of the trace: litter
    std::uint64_t awaits = 0;            ///< of the steps, those in which a thread waits for another
    std::uint64_t streams = 0;           ///< threads that do the steps at once; 0: one does all
};

/// Takes the steps as they are made, in order.
using replay_sink = std::function<void(std::span<const replay_step>)>;

/// Takes events one by one, and hands steps on in parts.
class replay_script_builder {
public:
    /// Page_size is what valloc and pvalloc align to. @pre it is a power of two
    explicit replay_script_builder(replay_sink sink, std::uint64_t page_size = 4096, std::uint64_t limit = UINT64_MAX);
    ~replay_script_builder();
    replay_script_builder(replay_script_builder&&) noexcept;
    replay_script_builder& operator=(replay_script_builder&&) noexcept;

    /// @returns false, and takes no notice of the event, where it might make more steps than the limit allows
    bool add(const event&);

    /// Hands on what is left. @returns what all the steps come to
    replay_facts finish();

private:
    struct body;
    std::unique_ptr<body> body_;
};

/// The same of steps at hand, without what only the trace can tell. @pre each slot is below 2^32 - 1
replay_facts count_steps(std::span<const replay_step> steps);

/// Turns the events from where the reader is into steps; at most `limit` of them.
/// @pre reader
replay_facts make_replay_script(trace_reader& reader, const replay_sink& sink, std::uint64_t limit = UINT64_MAX);

/// The alignment that malloc(size) promises: any object of that size fits, so 8 below 16 bytes and 16 from there on.
constexpr std::uint64_t malloc_alignment(std::uint64_t size) noexcept { return size < 16 ? 8 : 16; }

}  // namespace ashlar
