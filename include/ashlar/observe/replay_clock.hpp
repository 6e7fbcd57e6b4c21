// ashlar/observe/replay_clock.hpp - the finest clock there is, for timing one operation at a time.
//
// Layer:      observe
// Source:     Paoloni, "How to Benchmark Code Execution Times on Intel IA-32 and IA-64", Intel, 2010.
// Picture:    begin_ticks()  operation  end_ticks()     nothing of the operation moves out of the pair
// Complexity: tens of nanoseconds for the pair; a replay without an allocator measures it, to subtract it.
// Failure:    none: where the processor has no steady counter the system's monotonic clock serves.
// Threads:    any; ticks of different processors may be compared where the system itself does so.
// Checked by: tests/observe/replay_clock_test.cpp
#pragma once

#include <cstdint>

#include "ashlar/os/platform.hpp"

namespace ashlar {

/// The moment before an operation: all earlier instructions are done.
inline std::uint64_t begin_ticks() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    const std::uint64_t now = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return now;
#else
    return os::now_ns();
#endif
}

/// The moment after an operation: all its instructions are done, none of the later ones begun.
inline std::uint64_t end_ticks() noexcept {
#if defined(__x86_64__)
    unsigned cpu = 0;
    const std::uint64_t now = __builtin_ia32_rdtscp(&cpu);
    __builtin_ia32_lfence();
    return now;
#else
    return os::now_ns();
#endif
}

/// @returns how many nanoseconds a tick lasts, measured for a few milliseconds against the monotonic clock
inline double nanoseconds_per_tick() noexcept {
    const std::uint64_t from_ns = os::now_ns();
    const std::uint64_t from = begin_ticks();
    std::uint64_t ns = 0;
    do ns = os::now_ns() - from_ns;
    while (ns < 5'000'000);
    const std::uint64_t ticks = end_ticks() - from;
    return ticks == 0 ? 1.0 : static_cast<double>(ns) / static_cast<double>(ticks);
}

}  // namespace ashlar
