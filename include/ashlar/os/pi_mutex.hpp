// ashlar/os/pi_mutex.hpp - a mutex whose holder runs at the priority of whoever waits for it.
//
// Layer:      os
// Source:     Sha, Rajkumar, Lehoczky, "Priority inheritance protocols", IEEE Transactions on Computers 39(9), 1990; futex(2).
// Complexity: no system call where nobody else holds it; otherwise one to wait and one to wake.
// Failure:    where the system has no priority inheritance it is a plain mutex, and inherits() says so.
// Threads:    any; it is not recursive.
// Checked by: tests/os/pi_mutex_test.cpp
//
// With a plain mutex a thread of high priority waits for one of low priority that a thread between the two keeps from
// running: for as long as that one likes (priority inversion). With this one it waits for the critical section alone.
#pragma once

#include <cstddef>

namespace ashlar::os {

class pi_mutex {
public:
    pi_mutex() noexcept;
    ~pi_mutex();
    pi_mutex(const pi_mutex&) = delete;
    pi_mutex& operator=(const pi_mutex&) = delete;

    void lock() noexcept;
    void unlock() noexcept;
    bool try_lock() noexcept;
    bool inherits() const noexcept { return inherits_; }

private:
    alignas(8) std::byte mutex_[64];  // the system's own, whose header is not seen here
    bool inherits_ = false;
};

}  // namespace ashlar::os
