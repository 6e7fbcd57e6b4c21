// ashlar/malloc/fork_gate.hpp - keeps threads out of the slow paths of malloc while one of them forks.
//
// Layer:      malloc
// Source:     Dice, Huang, Yang, "Asymmetric Dekker synchronization", 2001; membarrier(2).
// Picture:    thread:  inside = true; closed?  ... lists change ...  inside = false
//             forker:  close: closed = true; fence in all threads; wait until nobody is inside; fork; open
// Complexity: enter and leave: two stores and a load, no fence. close: a system call, and the longest visit.
// Failure:    close tells when the system has no such fence, or a visitor has not left within `patience_ns`.
// Threads:    any. Two forkers wait for each other.
// Invariants: fork_gate.I1  between a close that returns true and open nobody is inside
// Checked by: tests/malloc/fork_gate_test.cpp, tests/malloc/faults/forks.cpp
//
// The pages of a process are not copied at one moment: what other threads change while the kernel copies is in the
// child in part. So lists that the child shall use must not change meanwhile; what the fast paths do may go on.
#pragma once

#include <atomic>
#include <thread>

#include "ashlar/malloc/tiny_lock.hpp"
#include "ashlar/os/platform.hpp"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASHLAR_SEES_FENCE 0
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define ASHLAR_SEES_FENCE 0
#endif
#if !defined(ASHLAR_SEES_FENCE)
#define ASHLAR_SEES_FENCE 1
#endif

namespace ashlar::malloc {

/// What the gate asks of the system. A model checker says otherwise for its own atomics.
template <class Atomics>
struct gate_system {
    static bool fence_all_threads() noexcept { return os::fence_all_threads(); }
    static std::uint64_t now_ns() noexcept { return os::now_ns(); }
    static void yield() noexcept { std::this_thread::yield(); }
};

template <atomics_policy Atomics = std_atomics>
class fork_gate {
    using system = gate_system<Atomics>;

public:
    using flag = typename Atomics::template atomic<bool>;
    static constexpr std::uint64_t patience_ns = 250'000'000;  ///< a visitor may be stopped, or wait for who forks

    /// The thread sanitizer sees no order in a fence that is raised in other threads.
    static constexpr bool fence_is_seen = ASHLAR_SEES_FENCE != 0;

    constexpr fork_gate() noexcept = default;
    fork_gate(const fork_gate&) = delete;
    fork_gate& operator=(const fork_gate&) = delete;

    /// @pre `inside` is the calling thread's
    void enter(flag& inside) noexcept {
        inside.store(true, std::memory_order_relaxed);
        // The compiler's order alone: the processor's is forced by the fence that close() raises in every thread.
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (closed_.load(std::memory_order_acquire)) [[unlikely]] wait_outside(inside);
    }
    static void leave(flag& inside) noexcept {
        inside.store(false, std::memory_order_release);  // pairs with the acquire in left()
    }
    /// For threads that have no flag of their own.
    void enter_as_guest() noexcept {
        while (guests_.fetch_add(1, std::memory_order_seq_cst), closed_.load(std::memory_order_seq_cst)) {
            leave_as_guest();
            while (closed_.load(std::memory_order_relaxed)) system::yield();
        }
    }
    void leave_as_guest() noexcept { guests_.fetch_sub(1, std::memory_order_release); }  // pairs with settle()

    /// For one who is inside: as close(), if nobody else does; and at once, whoever is inside stays. @returns whether it did;
    /// then whose flag is down stays outside until open()
    bool try_close() noexcept {
        if (!lock_.try_lock()) return false;
        closed_.store(true, std::memory_order_relaxed);  // the fence orders it before what is asked of flags; guests are not
        if (system::fence_all_threads()) return true;
        open();
        return false;
    }
    /// Nobody enters from now on. To be followed by settle(), and by open() in parent and child.
    void close() noexcept {
        lock_.lock();
        closed_.store(true, std::memory_order_seq_cst);
    }
    /// Waits until all of the flags that `for_each_flag(f)` passes to f are down. @returns fork_gate.I1
    template <class ForEach>
    bool settle(bool others, ForEach for_each_flag) noexcept {
        if (others && !system::fence_all_threads()) return false;
        const std::uint64_t end = system::now_ns() + patience_ns;
        // seq_cst: no fence may have been raised; either this sees the guest, or the guest sees that it is closed.
        bool all = left(end, [&] { return guests_.load(std::memory_order_seq_cst) == 0; });
        for_each_flag([&](const flag& inside) {
            all = left(end, [&] { return !inside.load(std::memory_order_acquire); }) && all;
        });
        return all;
    }
    void open() noexcept {
        closed_.store(false, std::memory_order_release);
        lock_.unlock();
    }
    /// In the child: the guests that there were are gone.
    void forget_guests() noexcept { guests_.store(0, std::memory_order_relaxed); }

private:
    [[gnu::noinline]] void wait_outside(flag& inside) noexcept {
        do {
            leave(inside);
            while (closed_.load(std::memory_order_relaxed)) system::yield();
            inside.store(true, std::memory_order_relaxed);  // as enter()
            std::atomic_signal_fence(std::memory_order_seq_cst);
        } while (closed_.load(std::memory_order_acquire));  // pairs with the release in open()
    }
    template <class Condition>
    static bool left(std::uint64_t end, Condition is_out) noexcept {
        while (!is_out()) {
            if (system::now_ns() > end) return false;
            system::yield();
        }
        return true;
    }

    tiny_lock<Atomics> lock_;
    flag closed_{false};
    typename Atomics::template atomic<std::uint32_t> guests_{0};
};

/// Inside for a scope.
template <class Gate>
class visit {
public:
    visit(Gate& gate, typename Gate::flag& inside) noexcept : inside_(inside) { gate.enter(inside); }
    ~visit() { Gate::leave(inside_); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;

private:
    typename Gate::flag& inside_;
};

}  // namespace ashlar::malloc
