// src/observe/trace_order.hpp - the threads' events as one sequence that could have happened.
//
// Layer:      observe
// Source:     a k-way merge by time in which an event that contradicts the live addresses waits; docs/trace_format.md,
//             order.
// Picture:    due_ (heap by time) --pop--> may it happen now?  yes: give it out
//                                                              no:  waiting_, until another event sets it free
// Complexity: O(log threads) per event. Memory: a cursor per thread that has begun and not ended, and the live addresses.
// Failure:    an event that nothing can set free any more happens all the same, and is counted.
// Threads:    one at a time.
// Invariants: trace_order.I1  every thread that has events left is in due_, in waiting_, or was just popped or given out
//             trace_order.I2  live holds the addresses granted and not released by the events given out
//             trace_order.I3  at most waiting_limit events wait
// Checked by: tests/observe/trace_order_test.cpp, tests/observe/trace_reader_test.cpp
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "trace_cursor.hpp"

namespace ashlar {

class trace_order {
public:
    trace_order(const trace_source& source, const trace_index& index, trace_health& health, trace_stacks* stacks, std::vector<memory_sample>& memory,
                trace_texts& texts);

    /// @returns the next event, complete, time included, or null after the last; it stays until the next call
    const event* next();

private:
    enum class stage : std::uint8_t {
        unbegun,  ///< its cursor does not exist yet
        arrived,  ///< its event's begin is due
        moving,   ///< its event is a move that has begun: its end is due
    };
    struct thread_state {
        std::unique_ptr<trace_cursor> cursor;
        trace_cursor::noted* head = nullptr;
        stage at = stage::unbegun;
    };
    struct due {
        std::uint64_t ticks;
        std::uint32_t thread;
        friend bool operator<(const due& a, const due& b) noexcept {  // for a heap whose top is the earliest
            return a.ticks != b.ticks ? a.ticks > b.ticks : a.thread > b.thread;
        }
    };
    struct waiter {
        std::uint64_t address;
        std::uint64_t ticks;
        std::uint32_t thread;
        bool for_release;  ///< waits for the address to be released; else for it to be granted
    };
    struct move_under_way {
        std::uint64_t old;
        std::uint32_t thread;
    };
    static constexpr std::size_t waiting_limit = 64;

    void push(due);
    due pop();
    const event* begin_thread(std::uint32_t thread);
    const event* end_trace();
    void advance(std::uint32_t thread, trace_cursor::noted* to);
    bool changes_live(const trace_cursor::noted& n);
    const event* finish_move_of(std::uint64_t address, std::uint64_t now);
    void wait(const trace_cursor::noted& n, due);
    bool give_up_waiting(std::uint32_t& thread);
    const event* give(std::uint32_t thread, trace_cursor::noted& n);
    const event* happen(std::uint32_t thread);
    const event* happen_anyway(std::uint32_t thread);
    void wake(std::uint64_t released, std::uint64_t granted);
    void stop_moving(std::uint64_t address);
    bool is_moving(std::uint64_t address) const noexcept;

    static constexpr std::uint32_t none = UINT32_MAX;
    static constexpr std::size_t chunks_worth_a_thread = 8;

    trace_reading of_;        ///< of_.live: trace_order.I2
    std::uint64_t patience_;  ///< ticks by which two CPUs' readings of the clock may be in the wrong order
    std::vector<thread_state> threads_;
    std::vector<due> due_;
    std::uint32_t given_ = none;  ///< the thread whose event was given out last and stands in its cursor
    event fact_;                  ///< one that stands in no cursor
    std::vector<waiter> waiting_;
    std::vector<move_under_way> moving_;
    std::uint64_t last_ns_ = 0;
    bool told_exec_ = false;
};

}  // namespace ashlar
