// See the header: the figures are those of the looks, nothing is estimated between them.
#include "ashlar/observe/replay_fragmentation.hpp"

#include <algorithm>

namespace ashlar {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}
double missing(std::uint64_t part, std::uint64_t whole) noexcept { return part < whole ? ratio(whole - part, whole) : 0; }

const replay_look& greatest(std::span<const replay_look> looks, std::uint64_t replay_look::* what) noexcept {
    return *std::max_element(looks.begin(), looks.end(), [=](const auto& a, const auto& b) { return a.*what < b.*what; });
}

}  // namespace

fragmentation_measures measure_fragmentation(std::span<const replay_look> looks) noexcept {
    if (looks.empty()) return {};
    double sum = 0;
    std::uint64_t counted = 0;
    for (const auto& look : looks) {
        if (look.regular == 0 || look.live == 0) continue;
        sum += ratio(look.used, look.live);
        ++counted;
    }
    const replay_look& most_live = greatest(looks, &replay_look::live);
    const replay_look& most_used = greatest(looks, &replay_look::used);
    return {counted == 0 ? 0 : sum / static_cast<double>(counted), ratio(most_live.used, most_live.live),
            ratio(most_used.used, most_used.live), ratio(most_used.used, most_live.live)};
}

fragmentation_shares share_fragmentation(std::span<const replay_look> looks) noexcept {
    if (looks.empty()) return {};
    const replay_look& most = greatest(looks, &replay_look::used);
    return {missing(most.live, most.granted), missing(most.granted, most.used), missing(most.granted, most.held)};
}

}  // namespace ashlar
