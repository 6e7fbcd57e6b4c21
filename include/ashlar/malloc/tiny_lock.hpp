// ashlar/malloc/tiny_lock.hpp - a lock of one word for the rare paths that threads share.
//
// Layer:      malloc
// Source:     test-and-test-and-set; Anderson, "The performance of spin lock alternatives", IEEE TPDS 1(1), 1990.
// Complexity: uncontended: one exchange and one store. Contended: spins a little, then gives its time slice away.
// Failure:    none; it is not recursive.
// Threads:    what it is for. Safe over fork: the holder is the thread that forks, or nobody (fork_child).
// Invariants: tiny_lock.I1  at most one thread is between lock() and unlock()
// Checked by: tests/malloc/tiny_lock_test.cpp
//
// Not std::mutex: it must be usable before constructors run, keep errno, and be resettable in a child.
#pragma once

#include <atomic>
#include <thread>

#include "ashlar/foundation/atomics.hpp"

namespace ashlar::malloc {

template <atomics_policy Atomics = std_atomics>
class tiny_lock {
public:
    constexpr tiny_lock() noexcept = default;
    tiny_lock(const tiny_lock&) = delete;
    tiny_lock& operator=(const tiny_lock&) = delete;

    void lock() noexcept {
        // acquire: pairs with the release in unlock()
        for (unsigned tries = 0; word_.exchange(1, std::memory_order_acquire) != 0;) {
            while (word_.load(std::memory_order_relaxed) != 0) {
                if (++tries < spins) {
                    Atomics::pause();
                } else {
                    std::this_thread::yield();
                }
            }
        }
    }
    bool try_lock() noexcept {
        return word_.load(std::memory_order_relaxed) == 0 && word_.exchange(1, std::memory_order_acquire) == 0;
    }
    void unlock() noexcept { word_.store(0, std::memory_order_release); }

private:
    static constexpr unsigned spins = 100;  // about a microsecond: longer than the short holders hold it
    typename Atomics::template atomic<std::uint32_t> word_{0};
};

/// Holds a lock for a scope.
template <class Lock>
class holding {
public:
    explicit holding(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    ~holding() { lock_.unlock(); }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;

private:
    Lock& lock_;
};

}  // namespace ashlar::malloc
