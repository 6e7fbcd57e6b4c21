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
    struct moment {
        std::uint64_t ns = 0;
        std::uint64_t ticks = 0;
    };
    const auto both = [] {  // of some looks at both clocks the quickest: one that was interrupted would tell of two moments
        moment best;
        std::uint64_t least = UINT64_MAX;
        for (int i = 0; i < 8; ++i) {
            const std::uint64_t before = os::now_ns(), ticks = begin_ticks(), took = os::now_ns() - before;
            if (took < least) best = {before + took / 2, ticks};
            if (took < least) least = took;
        }
        return best;
    };
    const moment from = both();
    moment to = both();
    while (to.ns - from.ns < 5'000'000) to = both();
    return to.ticks == from.ticks ? 1.0 : static_cast<double>(to.ns - from.ns) / static_cast<double>(to.ticks - from.ticks);
}

}  // namespace ashlar
