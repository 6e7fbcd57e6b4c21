// ashlar/async/pool_waiter.hpp - who waits for a pool: a node in its own frame, and how it goes on.
//
// Layer:      async
// Picture:    new -> queued -> granted | closed | cancelled | timed_out      by the pool, under its lock, once
//             new -> granted | closed | cancelled | rejected                 at once, without waiting
// Complexity: a node a waiter, in the waiter's own memory; going on costs a place in a list of the thread.
// Failure:    none.
// Threads:    a waiter goes on where the one that decided about it runs, or where the pool's resume_on takes it.
// Invariants: pool_waiter.I1  a thread resumes one waiter at a time: what that one sets free goes on after it, not within it
// Checked by: tests/async/pool_waiter_test.cpp
#pragma once

#include <chrono>
#include <cstdint>

#include "ashlar/foundation/intrusive_list.hpp"

namespace ashlar {

/// What became of a wish for an object.
enum class pool_outcome : std::uint8_t {
    granted,
    closed,     ///< the pool closes, or has closed
    cancelled,  ///< by the stop token, before anything was granted
    timed_out,  ///< the deadline passed first
    rejected,   ///< as many wait as may
    waiting,    ///< nothing yet
};

using pool_clock = std::chrono::steady_clock;
inline constexpr pool_clock::time_point no_deadline = pool_clock::time_point::max();

struct pool_slot;

struct pool_waiter : list_links {
    explicit pool_waiter(void (*how)(pool_waiter&) noexcept) noexcept : resume(how) {}
    pool_waiter(const pool_waiter&) = delete;
    pool_waiter& operator=(const pool_waiter&) = delete;

    void (*resume)(pool_waiter&) noexcept;  ///< it may be gone when this returns
    pool_clock::time_point deadline = no_deadline;
    pool_slot* slot = nullptr;  ///< where granted
    pool_outcome outcome = pool_outcome::waiting;
    bool is_queued = false;       ///< in the pool's list; guarded by the pool's lock
    bool to_be_cancelled = false;  ///< before it was queued; guarded by the pool's lock
    bool is_kept = false;         ///< was queued once, and the pool's core is kept for it
};

/// Where waiters go on: resume(context, waiter) sees to it that waiter.resume(waiter) is called, once.
struct pool_resumer {
    void (*resume)(void* context, pool_waiter& w) noexcept;
    void* context;
};

/// The waiters that this thread is to resume. Plain recursion would nest as deep as there are waiters.
class ready_waiters {
public:
    /// Resumes it now, or after the one that is being resumed (pool_waiter.I1).
    static void resume(void*, pool_waiter& w) noexcept {
        ready_waiters& mine = of_this_thread();
        mine.list_.push_back(w);
        if (mine.resuming_) return;
        mine.resuming_ = true;
        while (!mine.list_.empty()) {
            pool_waiter& next = mine.list_.pop_front();
            next.resume(next);
        }
        mine.resuming_ = false;
    }
    /// Its frame is destroyed before it went on. @pre it is this thread that would resume it
    static void forget(pool_waiter& w) noexcept { of_this_thread().list_.remove(w); }

private:
    static ready_waiters& of_this_thread() noexcept {
        static thread_local ready_waiters mine;
        return mine;
    }
    intrusive_list<pool_waiter> list_;
    bool resuming_ = false;
};
inline constexpr pool_resumer resume_at_once{&ready_waiters::resume, nullptr};

}  // namespace ashlar
