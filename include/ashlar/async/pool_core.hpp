// ashlar/async/pool_core.hpp - the protocol of a pool: grants, waiters, cancellation, closing, and who frees it at last.
//
// Layer:      async
// Source:     Mellor-Crummey and Scott, "Algorithms for Scalable Synchronization", ACM TOCS 9(1), 1991 (each waiter's node is its
//             own, served in order); direct hand-off as in Go's runtime semaphores.
// Picture:    idle:    slot -> slot        the gate open: take and give are a compare-and-swap each
//             waiting: first <-> last      the gate shut: every change is made under the lock
// Complexity: take and give O(1); cancel O(1); expire O(waiters); nothing is allocated after the beginning.
// Failure:    a waiter's outcome tells; a refused wish has changed nothing.
// Threads:    any. The lock is held for a few dozen instructions, and never while a waiter goes on or an object ends.
// Invariants: pool_core.I1  while anyone waits the gate is shut and nothing is idle
//             pool_core.I2  a waiter's outcome is decided once: by whoever takes it off the list, under the lock
//             pool_core.I3  every object is idle, lent or granted to one waiter: made = idle + out
//             pool_core.I4  the core lives while its pool, an object that is out, or a waiter that was queued does
// Checked by: tests/async/pool_core_test.cpp, tests/async/async_pool_races_test.cpp
// Long:       one protocol under one lock, to be read in one piece.
//
// Why a lock where somebody waits: grant, cancellation, timeout and close all change the list, the gate and the counts
// together, and take waiters from its middle. Under a lock that is a page that can be read; without one it would spare a
// waiter, who is put to sleep and woken anyway, some twenty instructions. Where nobody waits there is no lock.
#pragma once

#include <mutex>

#include "ashlar/async/idle_stack.hpp"
#include "ashlar/async/pool_waiter.hpp"

namespace ashlar {

/// What stands before each object.
struct pool_slot : idle_links<> {
    atomic<std::uint64_t> granted{0};  ///< times; written by who was granted it
};

/// The numbers of a pool. Each is right by itself; together they are of one moment only where nothing happens.
struct pool_status {
    std::uint32_t capacity, size, idle, in_use;
    std::size_t waiting;
    std::uint64_t acquired;     ///< objects granted since the beginning
    std::uint64_t handed_over;  ///< of those, from one holder to the next who waited
    std::uint64_t cancelled, timed_out, rejected;
};

class pool_core {
    using guard = std::lock_guard<std::mutex>;

public:
    /// How the object of a slot ends, how a slot is found, and how the core's memory goes back.
    struct kind {
        pool_slot& (*at)(const pool_core&, std::uint32_t index) noexcept;
        void (*end_object)(pool_slot&) noexcept;
        void (*free)(pool_core&) noexcept;
    };
    pool_core(const kind& k, std::uint32_t capacity, std::size_t most_waiters, pool_resumer resumer) noexcept
        : kind_(k), capacity_(capacity), most_waiters_(most_waiters), resumer_(resumer) {}

    /// An idle slot, or null: without waiting, and not before those who wait (pool_core.I1).
    template <class At>
    pool_slot* take(At at) noexcept {
        pool_slot* const s = idle_.pop(at);
        if (s != nullptr) count_grant(*s);
        return s;
    }
    /// Gives a slot back: to the first who waits, if somebody does.
    void give(pool_slot& s) noexcept {
        if (!idle_.push(s)) [[unlikely]] give_slowly(s);
    }

    /// @returns whether it waits now; then it may be gone already. Otherwise its outcome is decided.
    bool enqueue(pool_waiter& w) noexcept {
        const guard held(lock_);
        w.outcome = outcome_at_once(w);
        if (w.outcome != pool_outcome::waiting) return false;
        ++kept_;  // pool_core.I4
        w.is_kept = w.is_queued = true;
        waiters_.push_back(w);
        ++waiting_;
        return true;
    }
    /// Ends its waiting, or, if it does not wait yet, its wish. @returns whether this decided its outcome
    bool cancel(pool_waiter& w, pool_outcome as = pool_outcome::cancelled) noexcept {
        {
            const guard held(lock_);
            if (!w.is_queued) {
                w.to_be_cancelled = w.outcome == pool_outcome::waiting;
                return false;
            }
            take_off(w, as);
            ++(as == pool_outcome::timed_out ? timed_out_ : cancelled_);
        }
        go_on(w);
        return true;
    }
    /// Whose deadline has passed goes on. @returns the earliest of those that are left
    pool_clock::time_point expire(pool_clock::time_point now) noexcept {
        pool_clock::time_point next = no_deadline;
        intrusive_list<pool_waiter> late;
        {
            const guard held(lock_);
            waiters_.for_each([&](pool_waiter& w) {
                if (w.deadline > now) {
                    next = w.deadline < next ? w.deadline : next;
                    return;
                }
                take_off(w, pool_outcome::timed_out);
                ++timed_out_;
                late.push_back(w);
            });
        }
        while (!late.empty()) go_on(late.pop_front());
        return next;
    }
    /// A waiter that was queued has gone on, or will not any more: the core is not kept for it. The core may be gone then.
    void leave(pool_waiter& w) noexcept {
        if (!w.is_kept) return;
        w.is_kept = false;
        free_if([this] { --kept_; });
    }
    /// The frame of a waiter is destroyed while it waits, or after it was granted something and before it went on.
    void abandon(pool_waiter& w) noexcept {
        bool decided;
        {
            const guard held(lock_);
            decided = !w.is_queued;
            if (!decided) {
                take_off(w, pool_outcome::cancelled);
                ++cancelled_;
            }
        }
        if (decided && w.is_linked()) ready_waiters::forget(w);
        if (decided && w.outcome == pool_outcome::granted) give(*w.slot);
        leave(w);
    }

    /// A slot without an object; null where there is none, or the pool closes. The caller makes the object and gives it.
    pool_slot* vacant() noexcept {
        const guard held(lock_);
        if (closing_ || size_ == capacity_) return nullptr;
        ++size_;
        if (free_slots_ == 0) return &kind_.at(*this, begun_++);
        pool_slot& s = kind_.at(*this, free_slots_ - 1);
        free_slots_ = s.below.load(memory_order_relaxed);
        return &s;
    }
    /// The object of the slot has ended and comes not back. The core may be gone then.
    void remove(pool_slot& s) noexcept {
        free_if([&] {
            s.below.store(free_slots_, memory_order_relaxed);
            free_slots_ = s.index + 1;
            --size_;
        });
    }

    /// Refuses from now on, and ends what is idle. @returns whether everything has ended
    bool close() noexcept {
        intrusive_list<pool_waiter> turned_away;
        pool_slot* idle = nullptr;
        {
            const guard held(lock_);
            if (closing_) return ended();
            closing_ = true;
            ++kept_;  // for this call, so that nobody who closes goes on before what is idle has ended
            idle_.shut();
            while (!waiters_.empty()) {
                pool_waiter& w = waiters_.front();
                take_off(w, pool_outcome::closed);
                turned_away.push_back(w);
            }
            std::uint32_t chain = 0;
            while (pool_slot* const s = idle_.pop_behind(at())) {
                s->below.store(chain, memory_order_relaxed);
                chain = s->index + 1;
            }
            idle = chain == 0 ? nullptr : &kind_.at(*this, chain - 1);
        }
        while (idle != nullptr) {
            pool_slot& s = *idle;
            const std::uint32_t below = s.below.load(memory_order_relaxed);
            idle = below == 0 ? nullptr : &kind_.at(*this, below - 1);
            kind_.end_object(s);
            remove(s);
        }
        while (!turned_away.empty()) go_on(turned_away.pop_front());
        bool all = false;
        free_if([&] {
            --kept_;
            all = ended();
        });
        return all;
    }
    /// Goes on when every object has ended. @returns false where that is so now
    bool enqueue_closer(pool_waiter& w) noexcept {
        const guard held(lock_);
        if (ended()) return false;
        ++kept_;
        w.is_kept = true;
        closers_.push_back(w);
        return true;
    }
    void abandon_closer(pool_waiter& w) noexcept {
        bool is_ready;
        {
            const guard held(lock_);
            is_ready = w.outcome != pool_outcome::waiting;
            if (!is_ready) closers_.remove(w);
        }
        if (is_ready && w.is_linked()) ready_waiters::forget(w);
        leave(w);
    }
    /// The pool itself goes. The core may be gone then.
    void drop() noexcept {
        close();
        free_if([this] { dropped_ = true; });
    }

    pool_status status() noexcept {
        const guard held(lock_);
        pool_status now{capacity_, size_, 0, 0, waiting_, 0, handed_over_, cancelled_, timed_out_, rejected_};
        for (std::uint32_t i = 0; i < begun_; ++i) now.acquired += kind_.at(*this, i).granted.load(memory_order_relaxed);
        const std::uint32_t idle = idle_.count(at(), capacity_);
        now.idle = idle < size_ ? idle : size_;
        now.in_use = size_ - now.idle;  // pool_core.I3
        return now;
    }

private:
    struct finder {
        const pool_core& core;
        pool_slot& operator()(std::uint32_t i) const noexcept { return core.kind_.at(core, i); }
    };
    finder at() const noexcept { return {*this}; }
    bool ended() const noexcept { return closing_ && size_ == 0; }
    static void count_grant(pool_slot& s) noexcept {
        s.granted.store(s.granted.load(memory_order_relaxed) + 1, memory_order_relaxed);  // its holder alone writes it
    }
    void go_on(pool_waiter& w) noexcept { resumer_.resume(resumer_.context, w); }

    pool_outcome outcome_at_once(pool_waiter& w) noexcept {
        if (closing_) return pool_outcome::closed;
        if (w.to_be_cancelled) {
            ++cancelled_;
            return pool_outcome::cancelled;
        }
        if (waiters_.empty()) {
            idle_.shut();
            if (pool_slot* const s = idle_.pop_behind(at())) {  // given back since the wish began
                idle_.open();
                count_grant(*s);
                w.slot = s;
                return pool_outcome::granted;
            }
        }
        const bool late = w.deadline != no_deadline && w.deadline <= pool_clock::now();
        if (!late && waiting_ < most_waiters_) return pool_outcome::waiting;
        if (waiters_.empty()) idle_.open();
        ++(late ? timed_out_ : rejected_);
        return late ? pool_outcome::timed_out : pool_outcome::rejected;
    }
    /// @pre the lock is held, and it waits
    void take_off(pool_waiter& w, pool_outcome as) noexcept {
        waiters_.remove(w);
        --waiting_;
        w.is_queued = false;
        w.outcome = as;  // pool_core.I2
        if (waiters_.empty() && !closing_) idle_.open();
        ASHLAR_INVARIANT(waiters_.empty() || idle_.is_shut());  // pool_core.I1
    }
    [[gnu::noinline]] void give_slowly(pool_slot& s) noexcept {
        pool_waiter* next = nullptr;
        bool end = false;
        {
            const guard held(lock_);
            end = closing_;
            if (!end && waiters_.empty()) {
                const bool pushed = idle_.push(s);  // who shut the gate has opened it again
                ASHLAR_INVARIANT(pushed);
                return static_cast<void>(pushed);
            }
            if (!end) {
                next = &waiters_.front();
                count_grant(s);
                ++handed_over_;
                next->slot = &s;
                take_off(*next, pool_outcome::granted);
            }
        }
        if (!end) return go_on(*next);
        kind_.end_object(s);
        remove(s);
    }
    /// Changes a count under the lock; lets those who close go on, and frees the core, where that was the last (pool_core.I4).
    template <class Change>
    void free_if(Change change) noexcept {
        intrusive_list<pool_waiter> done;
        bool last;
        {
            const guard held(lock_);
            change();
            while (ended() && !closers_.empty()) {
                pool_waiter& w = closers_.pop_front();
                w.outcome = pool_outcome::closed;
                done.push_back(w);
            }
            last = dropped_ && size_ == 0 && kept_ == 0;
        }
        while (!done.empty()) go_on(done.pop_front());  // each keeps the core until it has gone on
        if (last) kind_.free(*this);
    }

    const kind& kind_;
    idle_stack<> idle_;
    std::mutex lock_;  // what follows but the constants is guarded by it
    intrusive_list<pool_waiter> waiters_, closers_;
    const std::uint32_t capacity_;
    const std::size_t most_waiters_;
    const pool_resumer resumer_;
    std::uint32_t size_ = 0, begun_ = 0;
    std::uint32_t free_slots_ = 0;  ///< 1 + the first of those whose objects were removed
    std::size_t waiting_ = 0, kept_ = 0;
    std::uint64_t handed_over_ = 0, cancelled_ = 0, timed_out_ = 0, rejected_ = 0;
    bool closing_ = false, dropped_ = false;
};

}  // namespace ashlar
