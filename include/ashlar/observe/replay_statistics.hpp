// ashlar/observe/replay_statistics.hpp - robust figures of noisy measurements: median, spread, percentiles.
//
// Layer:      observe
// Source:     Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974 (the MAD).
// Complexity: O(n) each, on average.
// Failure:    of nothing at all every figure is 0.
// Threads:    values.
// Checked by: tests/observe/replay_statistics_test.cpp
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ashlar {

/// The middle value; between the two middle ones for an even number.
double median(std::vector<double> values);

/// The median absolute deviation from the median.
double spread(const std::vector<double>& values);

/// The values are reordered. @pre 0 < share <= 1
/// @returns the least value that at least `share` of all values do not exceed (nearest rank)
std::uint32_t percentile(std::span<std::uint32_t> values, double share);

}  // namespace ashlar
