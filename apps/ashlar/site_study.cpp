// See site_study.hpp.
// Long: the labels, the places and the simulated chunks are one way from events to routes.
#include "site_study.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/observe/address_map.hpp"

namespace ashlar::app {
namespace {

constexpr std::size_t most_places = 4;
constexpr std::uint64_t largest_routed = 8192, chunk_bytes = 64 * 1024;
using chain = std::vector<std::uint32_t>;

double number(std::uint64_t n) { return static_cast<double>(n); }
std::uint64_t rounded(std::uint64_t size) { return size <= 16 ? 16 : (size + 15) / 16 * 16; }
std::uint64_t in_class(std::uint64_t size) {
    return size > size_class_max ? (size + 4095) / 4096 * 4096 : size_of_class(static_cast<std::size_t>(class_of_size(size == 0 ? std::uint64_t{1} : size)));
}

/// What is known of the blocks of one chain of places.
struct leaf {
    chain places;
    std::uint64_t blocks = 0, freed = 0, abroad = 0, resized = 0, largest = 0;
    std::uint64_t live = 0, live_blocks = 0, live_in_classes = 0;
    std::uint64_t at_peak = 0, blocks_at_peak = 0, in_classes_at_peak = 0;
    std::unordered_map<std::uint64_t, std::uint64_t> sizes;  // the first 64
    std::uint64_t common = 0;  // the size of nineteen in twenty blocks; 0: there is none
};

/// Numbers the chains of stacks.
class chains {
public:
    std::uint32_t of(const trace_stacks& stacks, std::uint32_t stack) {
        if (stack < numbers_.size() && numbers_[stack] != 0) return numbers_[stack] - 1;
        std::vector<std::uint32_t> places;
        stacks.unfold(stack, places);
        if (places.size() > most_places) places.resize(most_places);
        const auto [found, is_new] = known_.try_emplace(places, static_cast<std::uint32_t>(known_.size()));
        if (is_new) all.push_back(places);
        if (stack >= numbers_.size()) numbers_.resize(stack + std::size_t{1});
        numbers_[stack] = found->second + 1;
        return found->second;
    }
    std::vector<chain> all;

private:
    std::map<chain, std::uint32_t> known_;
    std::vector<std::uint32_t> numbers_;
};

struct granted {
    std::uint64_t size = 0;
    std::uint32_t leaf = 0;
    std::uint32_t thread = 0;
    std::uint32_t chunk = 0;  ///< of a simulated arena, from 1
};

/// Reads a trace, and tells `to` of blocks: grant(block), release(block, how it was released).
template <class To>
void follow(trace_reader& trace, chains& names, To& to) {
    address_map<granted> live;
    const auto end = [&](std::uint64_t address, const event& e) {
        if (const auto old = live.take(address)) to.release(*old, e);
    };
    std::uint64_t number = 0;
    while (const event* e = trace.next()) {
        ++number;
        if (!e->failed) {
            if (moves(e->kind) && e->old_address != 0) end(e->old_address, *e);
            if (releases(e->kind) && e->address != 0) end(e->address, *e);
            if (requests(e->kind) && e->address != 0) {
                end(e->address, *e);
                granted block{e->size, names.of(trace.stacks(), e->stack), e->thread, 0};
                to.grant(block, *e);
                live.insert(e->address, block);
            }
        }
        to.after(number);
    }
}

bool may_be_ruled(const event& e) { return e.stack >= trace_stacks::first && !states_alignment(e.kind) && e.size <= largest_routed; }

struct first_reading {
    std::uint64_t peak_event;
    std::vector<leaf> leaves;

    leaf& at(std::uint32_t n) {
        if (n >= leaves.size()) leaves.resize(n + std::size_t{1} + n / 2);
        return leaves[n];
    }
    void grant(granted& block, const event& e) {
        leaf& l = at(block.leaf);
        ++l.blocks;
        l.largest = std::max(l.largest, may_be_ruled(e) ? e.size : largest_routed + 1);
        if (l.sizes.size() < 64 || l.sizes.contains(e.size)) ++l.sizes[e.size];
        change(l, block, 1);
    }
    void release(const granted& block, const event& e) {
        leaf& l = at(block.leaf);
        ++l.freed;
        if (e.thread != block.thread) ++l.abroad;
        if (moves(e.kind)) ++l.resized;
        change(l, block, ~std::uint64_t{0});
    }
    static void change(leaf& l, const granted& block, std::uint64_t by) {
        l.live += by * block.size;
        l.live_blocks += by;
        l.live_in_classes += by * in_class(block.size);
    }
    void after(std::uint64_t n) {
        if (n != peak_event) return;
        for (leaf& l : leaves) l.at_peak = l.live, l.blocks_at_peak = l.live_blocks, l.in_classes_at_peak = l.live_in_classes;
    }
};

/// What a leaf would be served by: nothing, a pool of a size, an arena; or it is too small to matter.
struct label {
    enum kind { usual, any, pool, keep, permanent } what = any;
    std::uint64_t size = 0;
    bool operator==(const label&) const = default;
};

class labeller {
public:
    labeller(std::vector<leaf>& leaves, std::uint64_t peak) : peak_(std::max<std::uint64_t>(1, peak)) {
        for (leaf& l : leaves) {
            for (const auto& [size, blocks] : l.sizes) {
                if (number(blocks) >= 0.95 * number(l.blocks)) l.common = size;
            }
            if (l.common > 0) wasted_[l.common] += (in_class(l.common) - rounded(l.common)) * l.blocks_at_peak;
        }
    }
    label of(const leaf& l) const {
        const bool small = number(l.in_classes_at_peak) < 0.002 * number(peak_);
        if (l.largest > largest_routed && l.common == 0) return {label::usual};
        if (number(l.abroad) > 0.02 * number(l.freed) || number(l.resized) > 0.02 * number(l.blocks)) return {small && l.blocks < 1000 ? label::any : label::usual};
        if (l.common > 0 && l.common <= largest_routed && wasted_.at(l.common) > std::max<std::uint64_t>(64 * 1024, peak_ / 200)) return {label::pool, l.common};
        if (small) return {l.blocks < 1000 ? label::any : label::usual};
        if (l.largest > largest_routed || l.in_classes_at_peak < l.live_in_classes) return {label::usual};
        if (number(l.live_blocks) > 0.9 * number(l.blocks)) return {label::permanent};
        return {number(l.blocks_at_peak) > 0.25 * number(l.blocks) ? label::keep : label::usual};
    }

private:
    std::uint64_t peak_;
    std::map<std::uint64_t, std::uint64_t> wasted_;  // by size: what rounding to classes costs at the peak
};

struct chosen {
    chain places;
    label by;
    std::uint64_t blocks;
};

/// As few places as tell the leaves below a chain apart. `leaves` have these `depth` places in common.
void choose_places(const std::vector<const leaf*>& leaves, const labeller& labels, std::size_t depth, std::vector<chosen>& out) {
    label common;
    bool mixed = false;
    std::uint64_t blocks = 0;
    for (const leaf* l : leaves) {
        const label is = labels.of(*l);
        blocks += l->blocks;
        if (is.what == label::any) continue;
        if (common.what == label::any) common = is;
        mixed = mixed || !(is == common);
    }
    if (!mixed) {
        if (common.what > label::any && depth > 0) out.push_back({chain(leaves.front()->places.begin(), leaves.front()->places.begin() + static_cast<std::ptrdiff_t>(depth)), common, blocks});
        return;
    }
    std::map<std::uint32_t, std::vector<const leaf*>> further;
    for (const leaf* l : leaves) {
        if (l->places.size() > depth) further[l->places[depth]].push_back(l);
    }
    for (const auto& [place, some] : further) choose_places(some, labels, depth + 1, out);
}

/// The arenas' chunks, as the malloc would fill them.
struct second_reading {
    struct arena {
        std::uint64_t used = chunk_bytes;  ///< of its current chunk
        std::uint32_t chunk = 0;
        std::uint64_t held = 0, most_held = 0, held_at_peak = 0;
    };
    std::uint64_t peak_event;
    const std::vector<std::uint8_t>& route_of_leaf;
    std::vector<arena> arenas;
    std::vector<std::uint32_t> left{0};  ///< blocks in a chunk; one more in an arena's current one
    std::vector<std::uint8_t> owner{0};

    void grant(granted& block, const event& e) {
        const std::uint8_t r = block.leaf < route_of_leaf.size() ? route_of_leaf[block.leaf] : no_route;
        if (r == no_route || !may_be_ruled(e)) return;
        arena& a = arenas[r];
        const std::uint64_t bytes = rounded(block.size);
        if (a.used + bytes > chunk_bytes) {
            if (a.chunk != 0) finish(a.chunk, a);
            a.chunk = static_cast<std::uint32_t>(left.size());
            a.used = 528;
            left.push_back(1);
            owner.push_back(r);
        }
        const std::uint64_t before = (a.used + 4095) / 4096;
        a.used += bytes;
        a.held += ((a.used + 4095) / 4096 - (a.used - bytes == 528 ? 0 : before)) * 4096;
        a.most_held = std::max(a.most_held, a.held);
        block.chunk = a.chunk;
        ++left[a.chunk];
    }
    void finish(std::uint32_t chunk, arena& a) {
        if (--left[chunk] == 0) a.held -= std::min(a.held, chunk_bytes);
    }
    void release(const granted& block, const event&) {
        if (block.chunk != 0) finish(block.chunk, arenas[owner[block.chunk]]);
    }
    void after(std::uint64_t n) {
        if (n != peak_event) return;
        for (arena& a : arenas) a.held_at_peak = a.held;
    }
};

bool begins_with(const chain& all, const chain& some) { return all.size() >= some.size() && std::equal(some.begin(), some.end(), all.begin()); }

std::vector<std::uint8_t> routes_of_chains(const std::vector<chain>& all, const std::vector<proposed_route>& routes) {
    std::vector<std::uint8_t> route_of(all.size(), no_route);
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::size_t longest = 0;
        for (std::size_t r = 0; r < routes.size(); ++r) {
            for (const auto& site : routes[r].sites) {
                if (site.places.size() > longest && begins_with(all[i], site.places)) longest = site.places.size(), route_of[i] = static_cast<std::uint8_t>(r);
            }
        }
    }
    return route_of;
}

}  // namespace

std::vector<proposed_route> study_sites(trace_reader& trace, const summary& about) {
    if (!trace.info().has_stacks) return {};
    chains names;
    first_reading first{about.peak_event, {}};
    follow(trace, names, first);
    first.leaves.resize(names.all.size());
    std::vector<const leaf*> all;
    for (std::size_t i = 0; i < names.all.size(); ++i) {
        first.leaves[i].places = names.all[i];
        if (!names.all[i].empty()) all.push_back(&first.leaves[i]);
    }
    const labeller labels(first.leaves, about.peak_bytes);
    std::vector<chosen> sites;
    choose_places(all, labels, 0, sites);
    std::sort(sites.begin(), sites.end(), [](const auto& a, const auto& b) { return a.blocks > b.blocks; });

    // Pools by size, one arena for what stays to the end, one for each other site.
    std::vector<proposed_route> routes;
    const auto route_for = [&](const label& by) -> proposed_route& {
        for (auto& r : routes) {
            if (by.what == label::pool ? !r.arena && r.size == by.size : by.what == label::permanent && r.arena && r.size == 1) return r;
        }
        proposed_route made;
        made.arena = by.what != label::pool;
        made.size = by.what == label::permanent ? 1 : by.size;
        routes.push_back(made);
        return routes.back();
    };
    for (const auto& s : sites) {
        proposed_route& r = route_for(s.by);
        r.sites.push_back({s.places, s.blocks});
        r.blocks += s.blocks;
    }
    if (routes.size() > 200) routes.resize(200);
    const auto route_of = routes_of_chains(names.all, routes);
    for (std::size_t i = 0; i < names.all.size(); ++i) {
        if (route_of[i] == no_route) continue;
        proposed_route& r = routes[route_of[i]];
        const leaf& l = first.leaves[i];
        r.at_peak += l.at_peak;
        r.in_classes += l.in_classes_at_peak;
        r.held += l.blocks_at_peak * rounded(r.size);
    }
    trace.rewind();
    second_reading second{about.peak_event, route_of, std::vector<second_reading::arena>(routes.size()), {0}, {0}};
    follow(trace, names, second);
    for (std::size_t r = 0; r < routes.size(); ++r) {
        if (routes[r].arena) routes[r].held = second.arenas[r].held_at_peak, routes[r].most_held = second.arenas[r].most_held, routes[r].size = 0;
        else routes[r].most_held = routes[r].held + chunk_bytes;
    }
    std::erase_if(routes, [](const auto& r) { return number(r.held) > 0.98 * number(r.in_classes) || r.in_classes < r.held + 32 * 1024; });
    std::sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) { return a.in_classes - a.held > b.in_classes - b.held; });
    if (routes.size() > 20) routes.resize(20);  // the other 12 are for size classes
    return routes;
}

std::vector<std::uint8_t> routes_of_grants(trace_reader& trace, const std::vector<proposed_route>& routes) {
    struct marker {
        const std::vector<proposed_route>& routes;
        chains& names;
        std::vector<std::uint8_t> known{}, out{};

        void grant(granted& block, const event& e) {
            if (block.leaf >= known.size()) known = routes_of_chains(names.all, routes);
            const std::uint8_t r = known[block.leaf];
            const bool serves = r != no_route && may_be_ruled(e) && (routes[r].arena || (e.size <= rounded(routes[r].size) && 4 * e.size >= 3 * routes[r].size));
            out.push_back(serves ? r : no_route);
        }
        void release(const granted&, const event&) {}
        void after(std::uint64_t) {}
    };
    chains names;
    marker to{routes, names};
    follow(trace, names, to);
    return to.out;
}

}  // namespace ashlar::app
