// src/observe/trace_clock.hpp - the clock that stamps events, and how its ticks relate to nanoseconds.
//
// Layer:      observe
// Complexity: ticks() is one instruction where the CPU has a steady counter, else one clock_gettime.
// Failure:    none; without a steady counter the monotonic clock is used.
// Threads:    any; a clock is set up once and then only read.
// Invariants: trace_clock.I1  ticks are counted in steps of about 10 ns, so that most gaps fit in one byte
// Checked by: tests/observe/trace_clock_test.cpp
#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

#include "ashlar/observe/trace_format.hpp"

namespace ashlar {

inline constexpr std::uint64_t ns_per_second = 1'000'000'000;

/// @pre over != 0
/// @returns value * by / over without overflow in between; the greatest number if the result does not fit
constexpr std::uint64_t scale(std::uint64_t value, std::uint64_t by, std::uint64_t over) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide r = static_cast<wide>(value) * by / over;
    return r > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(r);
}

/// scale() by numbers that stay the same, without a division: a reader does it for every event.
class fixed_scale {
public:
    constexpr fixed_scale() noexcept = default;
    /// @pre over != 0
    constexpr fixed_scale(std::uint64_t by, std::uint64_t over) noexcept : by_(by), over_(over) {
        __extension__ using wide = unsigned __int128;
        const wide factor = (wide{by} << bits) / over;
        if (factor >> 63 != 0 || over >> 62 != 0) return;
        factor_ = static_cast<std::uint64_t>(factor);
        limit_ = std::uint64_t{1} << bits;
    }
    constexpr std::uint64_t operator()(std::uint64_t value) const noexcept {
        if (value >= limit_) return scale(value, by_, over_);
        // Too little by less than 1 for the factor, which is cut, and by less than 1 here: the rest says whether by one.
        __extension__ using wide = unsigned __int128;
        const auto r = static_cast<std::uint64_t>(wide{value} * factor_ >> bits);
        return r + (value * by_ - r * over_ >= over_);  // modulo 2^64: the rest is less than 2 * over
    }

private:
    static constexpr unsigned bits = 58;
    std::uint64_t by_ = 1;
    std::uint64_t over_ = 1;
    std::uint64_t factor_ = 0;
    std::uint64_t limit_ = 0;
};

class trace_clock {
public:
    /// A clock that counts nanoseconds and is not this machine's: for events that bring their own time.
    constexpr trace_clock() noexcept = default;

    /// The recorder's clock. Call settle() later: the more time between, the better the frequency is known.
    static trace_clock of_machine() noexcept {
        trace_clock c;
        c.from_cpu_ = has_cpu_counter();
        const moment start = c.both();
        c.start_ns_ = start.ns;
        c.start_ticks_ = start.raw;
        c.start_unix_ns_ = now(CLOCK_REALTIME);
        return c;
    }

    /// Measures the counter against the monotonic clock and chooses how coarse ticks are. Before it, ticks() is not used.
    void settle() noexcept {
        if (!from_cpu_) return;
        moment m;
        do m = both();  // at least 20 us: an error of some 0.1 %, which the reader betters from the chunks' own stamps
        while (m.ns - start_ns_ < 20'000);
        const std::uint64_t raw_per_second = scale(m.raw - start_ticks_, ns_per_second, m.ns - start_ns_);
        while ((raw_per_second >> (shift_ + 1)) > 60'000'000U) ++shift_;
        ticks_per_second_ = raw_per_second >> shift_;
        start_ticks_ >>= shift_;
    }

    std::uint64_t ticks() const noexcept { return raw() >> shift_; }

    /// @pre the tick is not long ago
    /// @returns the monotonic clock's time at that tick, by this machine's clocks
    std::uint64_t ns_at(std::uint64_t tick) const noexcept {
        if (!from_cpu_) return tick;
        const moment m = both();
        return m.ns - scale((m.raw >> shift_) - tick, ns_per_second, ticks_per_second_);
    }

    std::uint32_t source() const noexcept { return from_cpu_ ? trace_format::ticks_of_cpu : trace_format::ticks_are_ns; }
    std::uint64_t ticks_per_second() const noexcept { return ticks_per_second_; }
    std::uint64_t start_ticks() const noexcept { return start_ticks_; }
    std::uint64_t start_ns() const noexcept { return start_ns_; }
    std::uint64_t start_unix_ns() const noexcept { return start_unix_ns_; }
    void set_start_unix_ns(std::uint64_t ns) noexcept { start_unix_ns_ = ns; }

    static std::uint64_t now(clockid_t which) noexcept {
        timespec t{};
        clock_gettime(which, &t);  // never fails for these clocks, so errno stays
        return static_cast<std::uint64_t>(t.tv_sec) * ns_per_second + static_cast<std::uint64_t>(t.tv_nsec);
    }

private:
    struct moment {
        std::uint64_t ns = 0;
        std::uint64_t raw = 0;
    };
    /// Both clocks at one moment. A thread that is interrupted between two reads would make a moment of two: of some tries the
    /// one counts that took least.
    moment both() const noexcept {
        moment best;
        std::uint64_t least = UINT64_MAX;
        for (int i = 0; i < 8 && least > 500; ++i) {
            const std::uint64_t before = now(CLOCK_MONOTONIC), r = raw(), after = now(CLOCK_MONOTONIC);
            if (after - before >= least) continue;
            least = after - before;
            best = {before + least / 2, r};
        }
        return best;
    }

    static bool has_cpu_counter() noexcept {
#if defined(__x86_64__)
        unsigned a = 0, b = 0, c = 0, d = 0;
        return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;  // steady in every power state
#elif defined(__aarch64__)
        return true;
#else
        return false;
#endif
    }

    std::uint64_t raw() const noexcept {
#if defined(__x86_64__)
        if (from_cpu_) return __rdtsc();
#elif defined(__aarch64__)
        if (from_cpu_) {
            std::uint64_t v;
            asm volatile("mrs %0, cntvct_el0" : "=r"(v));
            return v;
        }
#endif
        return now(CLOCK_MONOTONIC);
    }

    std::uint64_t ticks_per_second_ = ns_per_second;
    std::uint64_t start_ticks_ = 0;
    std::uint64_t start_ns_ = 0;
    std::uint64_t start_unix_ns_ = 0;
    unsigned shift_ = 0;
    bool from_cpu_ = false;
};

}  // namespace ashlar
