// See class_advice.hpp.
#include "class_advice.hpp"

#include <algorithm>
#include <map>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/routes.hpp"
#include "ashlar/observe/class_search.hpp"
#include "ashlar/observe/address_map.hpp"
#include "text.hpp"
#include "traces.hpp"

namespace ashlar::app {
namespace {

constexpr std::size_t few = 3, most = 12;  // the rest of the routes is for call sites

/// Of the blocks that a class could serve: those that state no alignment, up to the largest routed size.
std::vector<sized_blocks> sizes_at_peak(const std::string& file, std::uint64_t peak_event) {
    auto trace = open_trace(file);
    address_map<std::uint64_t> live;
    std::uint64_t number = 0;
    while (const event* e = trace.next()) {
        ++number;
        if (!e->failed) {
            if (moves(e->kind) && e->old_address != 0) live.take(e->old_address);
            if (releases(e->kind) && e->address != 0) live.take(e->address);
            if (requests(e->kind) && e->address != 0) {
                live.take(e->address);
                live.insert(e->address, states_alignment(e->kind) ? 0 : e->size);
            }
        }
        if (number == peak_event) break;
    }
    std::map<std::uint64_t, std::uint64_t> counts;
    live.for_each([&](std::uint64_t, std::uint64_t size) { counts[size] += size != 0 && size <= malloc::largest_routed ? 1 : 0; });
    std::vector<sized_blocks> sizes;
    for (const auto& [size, blocks] : counts) sizes.push_back({size, blocks});
    return sizes;
}

double number(std::uint64_t n) { return static_cast<double>(n); }

}  // namespace

class_advice advise_classes(const advice_input& input) {
    class_advice made;
    const auto sizes = sizes_at_peak(input.trace, input.about.peak_event);
    std::vector<std::uint64_t> usual;
    for (std::size_t c = 0; c < size_class_count && size_of_class(c) <= malloc::largest_routed; ++c) usual.push_back(size_of_class(c));
    double asked = 0;
    for (const auto& s : sizes) asked += number(s.size * s.blocks);
    if (asked == 0) return made;
    const auto with = [&](std::vector<std::uint64_t> classes) {
        classes.insert(classes.end(), usual.begin(), usual.end());
        std::sort(classes.begin(), classes.end());
        return number(rounded_away(sizes, classes));
    };
    // A class keeps a part of a span of its own in each thread: it must save more than that.
    const std::uint64_t least = std::max<std::uint64_t>(32 * 1024 * std::max<std::uint64_t>(1, input.about.threads), input.about.peak_bytes / 200);
    const double now = with({});
    const auto all = classes_beside(sizes, usual, most, size_class_step, least);
    made.sentence = {all.empty() ? "Its sizes fit the size classes of Ashlar's malloc." : "Its sizes fit the size classes of Ashlar's malloc badly.",
                     fmt::format("at the peak they add {} to blocks up to 8 KiB{}", share_text(now, asked),
                                 all.empty() ? "" : fmt::format("; with the classes {} beside them {}", fmt::join(all, ", "), share_text(with(all), asked)))};
    for (const std::size_t count : {few, most}) {
        const auto some = classes_beside(sizes, usual, count, size_class_step, least);
        if (some.empty() || (count > few && some.size() <= few)) continue;
        std::uint64_t held = 0;  // expected: what lies in them at the peak, and a span for what is begun
        for (const auto& s : sizes) {
            const auto own = std::lower_bound(some.begin(), some.end(), s.size);
            const auto other = std::lower_bound(usual.begin(), usual.end(), s.size);
            if (own != some.end() && *own < *other) held += *own * s.blocks;
        }
        made.lines.push_back(fmt::format("classes = v1 {} expects {} KiB", fmt::join(some, " "), held / 1024 + 64 * some.size()));
    }
    return made;
}

}  // namespace ashlar::app
