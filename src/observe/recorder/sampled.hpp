// src/observe/recorder/sampled.hpp - which requests a sample looks at, and which live blocks were looked at.
//
// Layer:      observe
// Source:     a Poisson process by bytes, as in tcmalloc and jemalloc. The distance to the next byte is drawn as von Neumann
//             did (Various techniques used in connection with random digits, 1951): by comparisons, without a logarithm.
// Picture:    each thread: bytes left -> 0: this request is one     free(p): filter[p] zero? not one of them
// Complexity: a request: a comparison and a subtraction. A release: one look into 16 KiB. More only for what is sampled.
// Failure:    add() is false without memory; the block is then not sampled.
// Threads:    a clock: its thread. The blocks: any; a lock is held for the few that are added, taken or look like it.
// Invariants: sampled.I1  filter[slot of p] is not zero while p is held
// Checked by: tests/observe/recorder/sampling_test.cpp
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "../trace_system.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar::recorder {

class sample_clock {
public:
    /// @returns whether the request is passed over. False at first, and then once for each distance drawn.
    [[gnu::always_inline]] bool passes_over(std::uint64_t size) noexcept {
        if (size >= left_) [[unlikely]] return false;
        left_ -= size;
        return true;
    }
    void seed(std::uint64_t seed) noexcept { state_ = seed | 1; }
    bool is_seeded() const noexcept { return state_ != 0; }
    /// The bytes from here to the next one that is met: exponential, which does not remember where it began.
    void draw(std::uint64_t mean) noexcept {
        for (std::uint64_t whole = 0;; ++whole) {
            const std::uint64_t first = random();
            std::uint64_t least = first;
            bool odd = true;
            for (std::uint64_t drawn = random(); drawn < least; drawn = random()) {
                least = drawn;
                odd = !odd;
            }
            if (odd) {
                left_ = whole * mean + static_cast<std::uint64_t>((wide{first} * mean) >> 64) + 1;
                return;
            }
        }
    }

private:
    __extension__ using wide = unsigned __int128;
    std::uint64_t random() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x2545F4914F6CDD1DU;
    }
    std::uint64_t left_ = 0;
    std::uint64_t state_ = 0;
};

class sampled_blocks {
public:
    constexpr sampled_blocks() noexcept = default;

    [[gnu::always_inline]] bool may_hold(const void* p) const noexcept {
        return filter_[filter_slot(p)].load(std::memory_order_relaxed) != 0;
    }
    bool add(const void* p) noexcept {
        const holding guard(lock_);
        if (2 * (used_ + 1) > capacity_ && !grow()) return false;
        put(p);
        ++used_;
        auto& n = filter_[filter_slot(p)];  // sampled.I1. At 255 it stays: nobody knows any more how many there are
        if (const auto now = n.load(std::memory_order_relaxed); now != 255) n.store(static_cast<std::uint8_t>(now + 1), std::memory_order_relaxed);
        return true;
    }
    /// @returns whether it was held
    bool take(const void* p) noexcept {
        const holding guard(lock_);
        if (capacity_ == 0) return false;
        std::size_t at = home(p);
        while (slots_[at] != p) {
            if (slots_[at] == nullptr) return false;
            at = (at + 1) & (capacity_ - 1);
        }
        close_gap(at);
        --used_;
        auto& n = filter_[filter_slot(p)];
        if (const auto now = n.load(std::memory_order_relaxed); now != 255) n.store(static_cast<std::uint8_t>(now - 1), std::memory_order_relaxed);
        return true;
    }
    /// For a new recording. alone: in a fork's child the lock may be that of a thread which it does not have
    void clear(bool alone) noexcept {
        if (alone) lock_.store(false, std::memory_order_relaxed);
        const holding guard(lock_);
        for (std::size_t i = 0; i < capacity_; ++i) slots_[i] = nullptr;
        for (auto& n : filter_) n.store(0, std::memory_order_relaxed);
        used_ = 0;
    }

private:
    static constexpr unsigned filter_bits = 14;

    struct holding {
        explicit holding(std::atomic<bool>& lock) noexcept : lock_(lock) {
            while (lock_.exchange(true, std::memory_order_acquire)) trace_system::yield();
        }
        holding(const holding&) = delete;
        holding& operator=(const holding&) = delete;
        ~holding() { lock_.store(false, std::memory_order_release); }  // pairs with the exchange
        std::atomic<bool>& lock_;
    };

    static std::uint64_t hash(const void* p) noexcept { return (reinterpret_cast<std::uintptr_t>(p) >> 4) * 0x9E3779B97F4A7C15U; }
    static std::size_t filter_slot(const void* p) noexcept { return hash(p) >> (64 - filter_bits); }
    std::size_t home(const void* p) const noexcept { return (hash(p) >> 20) & (capacity_ - 1); }
    void put(const void* p) noexcept {
        std::size_t at = home(p);
        while (slots_[at] != nullptr) at = (at + 1) & (capacity_ - 1);
        slots_[at] = p;
    }
    /// Knuth, 6.4 R: those behind the gap move up where their own way to them leads through it.
    void close_gap(std::size_t gap) noexcept {
        const std::size_t mask = capacity_ - 1;
        for (std::size_t at = (gap + 1) & mask; slots_[at] != nullptr; at = (at + 1) & mask) {
            if (((at - home(slots_[at])) & mask) < ((at - gap) & mask)) continue;
            slots_[gap] = slots_[at];
            gap = at;
        }
        slots_[gap] = nullptr;
    }
    bool grow() noexcept {
        const std::size_t count = capacity_ == 0 ? 512 : 2 * capacity_;
        const auto space = os::reserve(count * sizeof(void*), os::page_size());
        if (!space || !os::commit(space->data, count * sizeof(void*))) return false;
        const void** const old = slots_;
        const std::size_t had = capacity_;
        slots_ = reinterpret_cast<const void**>(space->data);
        capacity_ = count;
        for (std::size_t i = 0; i < had; ++i) {
            if (old[i] != nullptr) put(old[i]);
        }
        if (old != nullptr) os::release(reinterpret_cast<std::byte*>(old), had * sizeof(void*));
        return true;
    }

    std::atomic<bool> lock_{false};
    std::atomic<std::uint8_t> filter_[std::size_t{1} << filter_bits] = {};
    const void** slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
};

}  // namespace ashlar::recorder
