// bench/toolkit/rounds.hpp - what the programs that measure in rounds share: their clock, and the list of their figures.
#pragma once

#include <cstddef>
#include <cstdio>
#include <ctime>
#include <vector>

namespace bench {

/// Of this thread alone: other work on the machine does not count.
inline double processor_nanoseconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// The rest of a line of JSON: a figure for every round.
inline void print_rounds(const char* unit, const std::vector<double>& found) {
    std::printf("\"%s\": [", unit);
    for (std::size_t r = 0; r < found.size(); ++r) std::printf("%s%.3f", r != 0 ? ", " : "", found[r]);
    std::puts("]}");
}

}  // namespace bench
