// ashlar/src/malloc/obey/drift.cpp - what the rules came to, and where the program departs from what the conf expects.
//
// Layer:      malloc
// Complexity: O(heaps x rules) at exit.
// Failure:    none.
// Threads:    at exit; counts of threads that still run are close.
// Checked by: tests/malloc/program/routed.py
#include "../export.hpp"
#include "../line.hpp"
#include "../printers.hpp"
#include "../unwind.hpp"
#include "sites.hpp"

namespace ashlar::malloc {
namespace {

struct totals {
    site_tally sites[most_site_rules];
    std::uint64_t blocks[site_rules::most_routes];
    std::uint32_t most_spans[site_rules::most_routes];
    std::uint64_t all = 0;    ///< by rules
    std::uint64_t rest = 0;   ///< by none
};
constinit totals sums{};

void add_up() noexcept {
    sums = {};
    for (process_heap* h = the_registry.first(); h != nullptr; h = the_registry.next_of(*h)) {
        for (std::size_t i = 0; i < the_site_rules.count; ++i) {
            sums.sites[i].blocks += h->tally_of(i).blocks;
            sums.sites[i].bytes += h->tally_of(i).bytes;
        }
    }
    for (std::size_t i = 0; i < the_site_rules.count; ++i) {
        sums.blocks[the_site_rules.sites[i].route] += sums.sites[i].blocks;
        sums.all += sums.sites[i].blocks;
    }
    statistics s;
    gather(s);
    sums.rest = s.allocations > sums.all ? s.allocations - sums.all : 0;
    const holding guard(the_store.lock());
    for (std::size_t r = 0; r < site_rules::most_routes; ++r) sums.most_spans[r] = the_store.most_spans_of(r);
}

std::string_view first_place_of(std::size_t route, std::size_t& more) noexcept {
    std::string_view name;
    more = 0;
    for (std::size_t i = 0; i < the_site_rules.count; ++i) {
        const site_rule& rule = the_site_rules.sites[i];
        if (rule.route != route) continue;
        const site_place& place = rule.places[0];
        if (name.empty()) name = place.symbol.empty() ? place.file : place.symbol; else ++more;
    }
    return name;
}

/// Twice as many is another program; a few are none, whatever the ratio.
bool departs(std::uint64_t is, std::uint64_t expected, std::uint64_t few) noexcept {
    return expected != 0 && is > few && is / 2 > expected;
}

/// Whether files of its rules were there at all, and the program did so much that it would have been used: a shell that starts
/// the program, or the program asked for its version, departs from nothing.
bool should_be_used(std::size_t route) noexcept {
    if (sums.rest < 1000 || sums.rest < the_site_rules.rest / 4) return false;
    for (std::size_t i = 0; i < the_site_rules.count; ++i) {
        if (the_site_rules.sites[i].route == route && state_of_rule(i) != rule_state::not_loaded) return true;
    }
    return false;
}

void tell_route(std::size_t r, bool all) noexcept {
    const route_rule& rule = the_site_rules.routes[r];
    if (rule.by.kind == route_kind::none || rule.is_class) return;
    const std::uint64_t held = std::uint64_t{sums.most_spans[r]} * slice_size;
    const bool unused = rule.blocks >= 1000 && sums.blocks[r] == 0 && should_be_used(r);
    const bool holds = departs(held, rule.held, 1 << 20);
    const bool many = departs(sums.blocks[r], rule.blocks, 10'000);
    if (!all && !unused && !holds && !many) return;
    std::size_t more = 0;
    line text(all ? "ashlar: route " : "ashlar: drift: route ", std::uint64_t{r + 1}, rule.by.kind == route_kind::arena ? " (arena" : " (pool");
    text.add(", ").add(first_place_of(r, more));
    if (more != 0) text.add(" and ").add(std::uint64_t{more}).add(" more");
    text.add("): ").add(sums.blocks[r]).add(" blocks, ").add(held >> 10).add(" KiB at its greatest");
    if (rule.blocks != 0) text.add("; expected ").add(rule.blocks).add(" blocks, ").add(rule.held >> 10).add(" KiB");
    text.print();
}

void tell_rule(std::size_t i) noexcept {
    constexpr std::string_view words[] = {"its file is not loaded", "its file is of another build", "no such symbol in its file, which is of another build",
                                          "a frame of it is not understood", "learnt"};
    const site_rule& rule = the_site_rules.sites[i];
    const site_place& place = rule.places[0];
    line("ashlar: site ", std::uint64_t{i + 1}, " (route ", std::uint64_t{rule.route + 1u}, ", ", place.symbol.empty() ? place.file : place.symbol, "): ",
         words[static_cast<std::size_t>(state_of_rule(i))], ", ", sums.sites[i].blocks, " blocks, ", sums.sites[i].bytes, " bytes").print();
}

/// Of all size classes together: one alone may well be more than it was, when the input is another.
void tell_classes(bool all) noexcept {
    std::uint64_t held = 0;
    for (std::size_t r = 0; r < site_rules::most_routes; ++r) {
        const route_rule& rule = the_site_rules.routes[r];
        if (!rule.is_class) continue;
        const std::uint64_t bytes = std::uint64_t{sums.most_spans[r]} * slice_size;
        held += bytes;
        if (all) line("ashlar: size class ", std::uint64_t{rule.by.block_size}, ": ", bytes >> 10, " KiB at its greatest").print();
    }
    const std::uint64_t expected = the_site_rules.class_held;
    const bool unused = held == 0 && expected >= 1 << 20 && sums.rest >= 1000 && sums.rest >= the_site_rules.rest / 4;
    if (the_site_rules.class_count == 0 || (!all && !unused && !departs(held, expected, 4 << 20))) return;
    line text(all ? "ashlar: " : "ashlar: drift: ", std::uint64_t{the_site_rules.class_count}, " size classes: ", held >> 10, " KiB at their greatest");
    if (expected != 0) text.add("; expected ").add(expected >> 10).add(" KiB");
    text.print();
}

void tell_rest(bool all) noexcept {
    const std::uint64_t rest = sums.rest;
    if (!all && !departs(rest, the_site_rules.rest, 10'000)) return;
    line text(all ? "ashlar: all other sites: " : "ashlar: drift: all other sites: ", rest, " blocks");
    if (the_site_rules.rest != 0) text.add("; expected ").add(the_site_rules.rest);
    double share = 0;
    code_place place{};
    if (const std::uintptr_t at = hottest_unruled(share); share > 0.1 && place_of_code(at, place)) {
        text.add("; most often ").add(*place.module == '\0' ? "the program" : place.module).add("+").add(reinterpret_cast<const void*>(place.offset));
    }
    text.print();
}

}  // namespace

void tell_drift() noexcept {
    const bool all = the_store.settings().routes_at_exit == 2;
    add_up();
    if (all) {
        for (std::size_t i = 0; i < the_site_rules.count; ++i) tell_rule(i);
    }
    for (std::size_t r = 0; r < site_rules::most_routes; ++r) tell_route(r, all);
    tell_classes(all);
    if (the_site_rules.count != 0) tell_rest(all);
}

}  // namespace ashlar::malloc

extern "C" {

/// A block by the number of a route, from 0, whoever calls: for replays. Null where the route serves no such size.
ASHLAR_EXPORT void* ashlar_routed_malloc(unsigned route, std::size_t size) {
    namespace core = ashlar::malloc;
    core::process_heap& h = *core::own_heap;
    if (&h == &core::no_heap || route >= core::site_rules::most_routes) return nullptr;
    if (void* p = h.pop_routed(core::the_key, route, size)) return p;
    const core::visit inside(core::the_registry.gate(), h.inside());
    return h.allocate_routed(route, size);
}

}  // extern "C"
