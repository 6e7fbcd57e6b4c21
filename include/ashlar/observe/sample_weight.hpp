// ashlar/observe/sample_weight.hpp - how many blocks of the program one block of a sample stands for.
//
// Layer:      observe
// Source:     Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe", Journal of the
//             American Statistical Association 47, 1952: what was met with chance p counts 1/p times.
// Complexity: O(1), an exponential function.
// Failure:    none.
// Threads:    any.
// Invariants: sample_weight.I1  the same block has the same weight whenever it is asked for
// Checked by: tests/observe/sample_weight_test.cpp, tests/observe/recorder/sampling_test.cpp
#pragma once

#include <cmath>
#include <cstdint>

namespace ashlar {

/// 1/p made a whole number, up or down by dice that depend on the block alone: so sums stay right on average, a block dies for
/// as many as it lived for (sample_weight.I1), and a report is the same every time.
/// mean: trace_info::sample_mean; time_ns: when the block was granted
/// @returns 1 if mean is 0: the trace has every block
inline std::uint64_t sample_weight(std::uint64_t mean, std::uint64_t size, std::uint64_t address, std::uint64_t time_ns) noexcept {
    if (mean == 0 || size == 0) return 1;
    const double chance = -std::expm1(-static_cast<double>(size) / static_cast<double>(mean));
    constexpr double most = 4e9;  // of the smallest block under the largest mean, sums still stay below 2^64
    const double exact = 1 / chance < most ? 1 / chance : most;
    const double whole = std::floor(exact);
    std::uint64_t dice = time_ns * 0x9E3779B97F4A7C15U ^ address;
    dice = (dice ^ dice >> 32) * 0xD6E8FEB86659FD93U;
    dice = (dice ^ dice >> 32) * 0xD6E8FEB86659FD93U;
    return static_cast<std::uint64_t>(whole) + (static_cast<double>(dice >> 11) * 0x1p-53 < exact - whole);
}

}  // namespace ashlar
