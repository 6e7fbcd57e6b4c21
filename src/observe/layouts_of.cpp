// The layouts of a trace's moments. Apart from heap_layout.cpp so that who has blocks at hand needs no reader.
#include <algorithm>

#include "ashlar/observe/heap_layout.hpp"
#include "ashlar/observe/address_map.hpp"

namespace ashlar {
namespace {

/// The numbers of events after which to look: at the peak, at the end, and at most 15 between.
std::vector<std::uint64_t> moments_of(const summary& s) {
    constexpr std::uint64_t most_blocks = 16'000'000;  // looked at in all: each costs its share of a sort
    const std::uint64_t parts = std::clamp<std::uint64_t>(most_blocks / std::max<std::uint64_t>(1, s.peak_blocks), 1, 16);
    std::vector<std::uint64_t> moments{s.peak_event, s.events};
    for (std::uint64_t i = 1; i < parts; ++i) moments.push_back(s.events / parts * i);
    std::sort(moments.begin(), moments.end());
    moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
    if (!moments.empty() && moments.front() == 0) moments.erase(moments.begin());
    return moments;
}

struct known {
    std::uint64_t size = 0;
    std::uint32_t stack = 0;
    std::uint32_t thread = 0;
};

void apply(const event& e, address_map<known>& live) {
    if (e.released() != 0) live.take(e.released());
    if (e.granted() == 0) return;
    live.take(e.granted());  // a lost free
    live.insert(e.granted(), {e.size, e.stack, e.thread});
}

}  // namespace

std::vector<heap_layout> layouts_of(trace_reader& reader, const summary& s) {
    std::vector<heap_layout> layouts;
    std::size_t most_shared = 0;
    address_map<known> live;
    reader.rewind();
    std::uint64_t events = 0;
    const auto moments = moments_of(s);
    while (const event* e = reader.next()) {
        apply(*e, live);
        if (layouts.size() == moments.size() || ++events != moments[layouts.size()]) continue;
        std::vector<placed_block> blocks;
        blocks.reserve(live.size());
        live.for_each([&](std::uint64_t address, const known& b) { blocks.push_back({address, b.size, b.stack, b.thread}); });
        layouts.push_back(lay_out(blocks));
        heap_layout& now = layouts.back();
        now.time_ns = e->time_ns;
        now.events = events;
        if (events != s.peak_event && events != s.events) now.sparse.clear(), now.sparse.shrink_to_fit();
        if (layouts.size() > 1) {  // of two, the one with fewer shared lines forgets them
            const bool more = now.shared_lines > layouts[most_shared].shared_lines;
            auto& fewer = layouts[more ? most_shared : layouts.size() - 1].sharing;
            fewer.clear();
            fewer.shrink_to_fit();
            if (more) most_shared = layouts.size() - 1;
        }
    }
    return layouts;
}

}  // namespace ashlar
