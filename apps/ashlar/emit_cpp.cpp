// See emit_cpp.hpp.
#include "emit_cpp.hpp"

#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "ashlar/malloc/conf_file.hpp"
#include "text.hpp"

namespace ashlar::app {
namespace {

constexpr const char* heading = R"(// Made by ashlar advise --emit cpp for: {}
// From the trace {}: {} blocks, at most {} live.
#pragma once

#include <ashlar/strategy/arena.hpp>
#include <ashlar/strategy/best_fit.hpp>
#include <ashlar/strategy/free_list.hpp>
#include <ashlar/strategy/pool.hpp>
#include <ashlar/strategy/segregated.hpp>

namespace advised {{
)";

constexpr const char* rest = R"(
/// All other blocks: up to 4 KiB by size class, larger ones where they fit best{}.
class heap {{
    ashlar::free_list<ashlar::best_fit> large_;
    ashlar::segregated<ashlar::free_list<ashlar::best_fit>> small_{{ashlar::ref<ashlar::free_list<ashlar::best_fit>>(large_)}};
{}
public:
    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {{
{}        return small_.allocate(l);
    }}
    void deallocate(std::byte* p, ashlar::layout l) noexcept {{
{}        small_.deallocate(p, l);
    }}
}};
static_assert(ashlar::allocator<heap>);

}}  // namespace advised
)";

/// The allocator for what no site's pool or arena serves, with a pool for each size class that was advised.
std::string rest_of(const malloc::site_rules& rules) {
    std::string members, grants, frees;
    for (const auto& route : rules.routes) {
        if (!route.is_class) continue;
        const std::size_t most = route.by.block_size, above = size_of_class(class_of_size(most) - 1);
        std::size_t least = above;  // of the usual classes and of those advised, the next one below
        for (const auto& other : rules.routes) {
            if (other.is_class && other.by.block_size < most) least = std::max<std::size_t>(least, other.by.block_size);
        }
        members += fmt::format("    ashlar::pool<{0}, 16> of_{0}_;\n", most);
        const std::string asked = fmt::format("        if (l.size() > {} && l.size() <= {} && l.align() <= 16) return of_{}_.", least, most, most);
        grants += asked + "allocate(l);\n";
        frees += asked + "deallocate(p, l);\n";
    }
    return fmt::format(rest, members.empty() ? "" : "; sizes that neither fits have pools", members, grants, frees);
}

/// The functions of a rule's places, for a comment.
std::string words_of(const malloc::site_rule& rule) {
    std::string words;
    for (std::size_t i = 0; i < rule.depth; ++i) {
        const auto& place = rule.places[i];
        const std::string name(place.symbol.empty() ? place.file : place.symbol);
        words += (i == 0 ? "" : ", called by ") + name + (place.symbol.empty() ? fmt::format("+0x{:x}", place.offset) : "");
    }
    return words;
}

bool sets(const advised_malloc& c, const char* key) {
    return std::any_of(c.settings.begin(), c.settings.end(), [&](const auto& line) { return line.starts_with(key); });
}

}  // namespace

std::string cpp_text(const advice& made, const advice_input& input) {
    std::string conf = "version = 1\n";
    // With rules for sites, the classes of another candidate would be for blocks that those sites take; and the fewest classes come first.
    auto ruled = std::find_if(made.candidates.begin(), made.candidates.end(), [](const auto& c) { return sets(c, "site"); });
    if (ruled == made.candidates.end()) ruled = std::find_if(made.candidates.begin(), made.candidates.end(), [](const auto& c) { return sets(c, "classes"); });
    if (ruled != made.candidates.end()) {
        for (const auto& line : ruled->settings) conf += line + "\n";
    }
    const auto read = std::make_unique<malloc::conf_file>();
    static_cast<void>(read->parse(conf));  // made here a moment ago
    const malloc::site_rules& rules = read->rules();

    std::string text = fmt::format(heading, printable(input.program), printable(input.trace), count_text(input.about.allocations),
                                   bytes_text(static_cast<double>(input.about.peak_bytes)));
    for (std::size_t r = 0; r < malloc::site_rules::most_routes; ++r) {
        const auto& route = rules.routes[r];
        if (route.by.kind == malloc::route_kind::none || route.is_class) continue;
        const bool arena = route.by.kind == malloc::route_kind::arena;
        text += fmt::format("\n/// {} blocks, {}, of:\n", count_text(route.blocks), bytes_text(static_cast<double>(route.held)));
        for (std::size_t i = 0; i < rules.count; ++i) {
            if (rules.sites[i].route == r) text += "///   " + words_of(rules.sites[i]) + "\n";
        }
        text += arena ? fmt::format("struct arena_{} : ashlar::arena<> {{\n    arena_{}() noexcept : ashlar::arena<>({{.first_chunk = 65536, .growth = 1}}) {{}}\n}};\n", r + 1, r + 1)
                      : fmt::format("using pool_{} = ashlar::pool<{}, 16>;\n", r + 1, route.by.block_size);
    }
    return text + rest_of(rules);
}

}  // namespace ashlar::app
