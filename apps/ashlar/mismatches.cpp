// See mismatches.hpp.
#include "mismatches.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "ashlar/observe/address_map.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

enum class family { c, object, array };

family family_of(event_kind k) noexcept {
    using enum event_kind;
    switch (k) {
        case new_object: case new_nothrow: case new_aligned: case new_aligned_nothrow:
        case delete_object: case delete_sized: case delete_aligned: case delete_sized_aligned: return family::object;
        case new_array: case new_array_nothrow: case new_array_aligned: case new_array_aligned_nothrow:
        case delete_array: case delete_array_sized: case delete_array_aligned: case delete_array_sized_aligned: return family::array;
        default: return family::c;
    }
}

struct request {
    event_kind kind{};
    std::uint32_t stack = 0;
};

}  // namespace

std::vector<mismatch> find_mismatches(trace_reader& trace) {
    address_map<request> live;
    std::map<std::tuple<event_kind, event_kind, std::uint32_t>, std::uint64_t> blocks;
    while (const event* e = trace.next()) {
        if (const std::uint64_t p = e->released()) {
            const auto was = live.take(p);
            if (was && family_of(was->kind) != family_of(e->kind)) ++blocks[{was->kind, e->kind, was->stack}];
        }
        if (const std::uint64_t p = e->granted()) {
            live.take(p);  // its free is not in the trace
            live.insert(p, {e->kind, e->stack});
        }
    }
    std::vector<mismatch> found;
    for (const auto& [key, n] : blocks) found.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), n});
    std::stable_sort(found.begin(), found.end(), [](const mismatch& a, const mismatch& b) { return a.blocks > b.blocks; });
    return found;
}

std::string mismatches_text(const stack_view* view, const std::vector<mismatch>& found, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < std::min(most, found.size()); ++i) {
        const mismatch& each = found[i];
        const auto site = view == nullptr ? std::nullopt : view->site_of(each.stack);
        text += fmt::format("granted by {}, freed by {}: {} {}, asked for by\n    {}\n", name(each.granted_by), name(each.freed_by),
                            count_text(each.blocks), each.blocks == 1 ? "block" : "blocks",
                            site ? frame_text(view->frames()[view->sites()[*site].frame], true) : "an unknown place");
    }
    if (found.size() > most) text += fmt::format("and {} more kinds and stacks\n", count_text(found.size() - most));
    return text;
}

}  // namespace ashlar::app
