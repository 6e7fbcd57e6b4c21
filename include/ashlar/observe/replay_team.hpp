// ashlar/observe/replay_team.hpp - do the streams of a script, each on a thread of its own, in the order they wait for.
//
// Layer:      observe
// Source:     Delorie, glibc's malloc trace_run (synchronisation only where blocks cross).
// Picture:    thread 1: step step step [done = 3]        thread 2: await(1, 3) ... step
// Complexity: a store a step; who waits spins, then yields, then sleeps 50 us at a time. What waiting takes of the processor,
//             but for the spinning, is told, so that it can be left out of what the heap takes.
// Failure:    the first stream whose step is not done stops all; failed() tells which step.
// Threads:    each stream is followed by one thread; stop() by any.
// Invariants: replay_team.I1  what a stream did before its mark is seen by who waited for that mark
// Checked by: tests/observe/replay_team_test.cpp
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <span>
#include <thread>

#include "ashlar/observe/replay_loop.hpp"
#include "ashlar/observe/replay_streams.hpp"

namespace ashlar {

/// How far a stream has come. Each on lines of its own: many threads look at one that one thread writes.
struct alignas(128) replay_mark {
    std::atomic<std::uint64_t> done{0};
};

class replay_team {
public:
    /// @pre a mark, at 0, for each stream; all outlive the team
    replay_team(std::span<const replay_step> steps, std::span<const replay_stream> streams, std::span<replay_mark> marks) noexcept
        : steps_(steps), streams_(streams), marks_(marks) {}

    /// Does the stream's steps by act(number of the step), which says whether it was done.
    template <class Act>
    void follow(std::uint64_t stream, Act act) noexcept {
        const auto [begin, end] = streams_[stream];
        for (std::uint64_t i = begin; i < end; ++i) {
            const replay_step& step = steps_[i];
            if (step.op == replay_await) {
                if (!wait_for(marks_[step.slot], step.size)) return;
            } else if (!act(i)) {
                return stop(i);
            }
            // Pairs with the acquire in wait_for: publishes the slot, and what was written to the block (replay_team.I1).
            marks_[stream].done.store(i - begin + 1, std::memory_order_release);
        }
    }

    /// Whoever waits gives up.
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
    bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
    static constexpr std::uint64_t none = UINT64_MAX;
    /// The step that was not done first; `none` if there is none. @pre the streams have been followed
    std::uint64_t failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
    /// Processor time of all who waited.
    std::uint64_t waited_ns() const noexcept { return waited_ns_.load(std::memory_order_relaxed); }
    /// Steps done until now, waits included.
    std::uint64_t done() const noexcept {
        std::uint64_t sum = 0;
        for (const auto& mark : marks_) sum += mark.done.load(std::memory_order_relaxed);
        return sum;
    }

private:
    void stop(std::uint64_t at) noexcept {
        std::uint64_t nothing = none;
        failed_.compare_exchange_strong(nothing, at, std::memory_order_relaxed);
        stop();
    }

    bool wait_for(const replay_mark& mark, std::uint64_t wanted) noexcept {
        for (unsigned tries = 0; tries < 200; ++tries) {
            if (mark.done.load(std::memory_order_acquire) >= wanted) return true;  // pairs with follow
        }
        const std::uint64_t began = thread_ns();
        unsigned naps = 0;
        while (mark.done.load(std::memory_order_acquire) < wanted && !stopped()) {
            if (naps++ < 20) std::this_thread::yield();
            else std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        waited_ns_.fetch_add(thread_ns() - began, std::memory_order_relaxed);
        return mark.done.load(std::memory_order_acquire) >= wanted;
    }
    static std::uint64_t thread_ns() noexcept {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
    }

    std::span<const replay_step> steps_;
    std::span<const replay_stream> streams_;
    std::span<replay_mark> marks_;
    std::atomic<std::uint64_t> waited_ns_{0};
    std::atomic<bool> stopped_{false};
    std::atomic<std::uint64_t> failed_{none};
};

}  // namespace ashlar
