// See replay_statistics.hpp.
#include "ashlar/observe/replay_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double spread(const std::vector<double>& values) {
    const double centre = median(values);
    std::vector<double> distances;
    distances.reserve(values.size());
    for (const double value : values) distances.push_back(std::fabs(value - centre));
    return median(std::move(distances));
}

std::uint32_t percentile(std::span<std::uint32_t> values, double share) {
    ASHLAR_PRE(share > 0 && share <= 1);
    if (values.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank == 0 ? 0 : rank - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

}  // namespace ashlar
