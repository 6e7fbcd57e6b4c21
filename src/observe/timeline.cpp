#include "ashlar/observe/timeline.hpp"

#include <algorithm>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

timeline::timeline() { buckets_.reserve(limit); }

void timeline::extend_to(std::uint64_t time_ns) {
    while ((time_ns >> width_bits_) >= limit) halve();
    const auto wanted = static_cast<std::size_t>(time_ns >> width_bits_) + 1;
    if (wanted <= buckets_.size()) return;
    const bucket last = buckets_.empty() ? bucket{} : buckets_.back();
    bucket unchanged{};
    unchanged.live_most = unchanged.live_least = unchanged.live_last = last.live_last;
    unchanged.usable_most = unchanged.usable_last = last.usable_last;
    unchanged.mapped_most = unchanged.mapped_last = last.mapped_last;
    buckets_.resize(wanted, unchanged);
}

void timeline::add(std::uint64_t time_ns, const change& c) {
    ASHLAR_PRE(buckets_.size() <= (time_ns >> width_bits_) + 1);
    extend_to(time_ns);
    bucket& now = buckets_.back();
    now.live_most = std::max(now.live_most, c.live);
    now.live_least = std::min(now.live_least, c.live);
    now.live_last = c.live;
    now.usable_most = std::max(now.usable_most, c.usable);
    now.usable_last = c.usable;
    now.mapped_most = std::max(now.mapped_most, c.mapped);
    now.mapped_last = c.mapped;
    now.allocations += c.allocations;
    now.frees += c.frees;
    now.bytes_allocated += c.bytes_allocated;
}

void timeline::halve() {
    ++width_bits_;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const bucket from = buckets_[i];
        bucket& to = buckets_[i / 2];
        if (i % 2 == 0) {
            to = from;
            continue;
        }
        to.live_most = std::max(to.live_most, from.live_most);
        to.live_least = std::min(to.live_least, from.live_least);
        to.live_last = from.live_last;
        to.usable_most = std::max(to.usable_most, from.usable_most);
        to.usable_last = from.usable_last;
        to.mapped_most = std::max(to.mapped_most, from.mapped_most);
        to.mapped_last = from.mapped_last;
        to.allocations += from.allocations;
        to.frees += from.frees;
        to.bytes_allocated += from.bytes_allocated;
    }
    buckets_.resize((buckets_.size() + 1) / 2);
}

}  // namespace ashlar
