// ashlar/src/malloc/obey/sites.cpp - rules learnt: the addresses of their places, in the files that are loaded.
//
// Layer:      malloc
// Complexity: learning: O(rules) for each file that is loaded, once. See sites.hpp for the rest.
// Failure:    as sites.hpp.
// Threads:    as sites.hpp; learning holds a lock, and no other.
// Checked by: tests/malloc/program/routed.py
// Long:       how the table is filled, and how it is read while it is being filled, are one protocol.
#include "sites.hpp"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

#include "file_symbols.hpp"

#pragma weak _dl_find_object
#include "../frame_table.hpp"

namespace ashlar::malloc {

constinit site_rules the_site_rules;
constinit std::uint16_t site_filter[4096];

namespace {

/// From a frame to its caller's. The frame's end lies `up` above the stack pointer, or above the frame register.
struct way_out {
    std::int32_t up = 0;
    std::int32_t frame_at = 0;  ///< from the frame's end, where the caller's frame register lies; 0: it is as it was
    bool by_frame = false;
};

constexpr std::uint8_t no_rule = 0xff;

struct entry {
    std::uintptr_t address;  ///< 0: free. Written last
    std::uint32_t parent;    ///< 0, or the number of the entry further in, from 1
    std::uint8_t rule;
    std::uint8_t route;
    route_kind kind;
    bool leads_on;  ///< there are rules with a place further out
    std::uint16_t least;     ///< that the route serves
    std::uint16_t most_more;  ///< how much larger what it serves may be
    std::uint16_t next;      ///< the number of another without a parent, with the same place in the filter
    way_out out;
};

constexpr std::size_t table_size = 1024, most_entries = 512;
constinit entry table[table_size]{};
constinit std::size_t entries = 0;
constinit tiny_lock<> learning;
constinit rule_state states[most_site_rules]{};

constexpr std::size_t most_found = 4;  ///< calls that a symbol may stand for
constinit std::uintptr_t found[most_site_rules][site_rule::most_places][most_found];

constexpr std::uint64_t mix(std::uintptr_t address, std::uint32_t parent) noexcept {
    return (address + parent * std::uint64_t{0x51ed270b}) * 0x9e3779b97f4a7c15u;
}

entry* find(std::uint32_t parent, std::uintptr_t address) noexcept {
    for (std::size_t i = mix(address, parent) >> 54;; i = (i + 1) % table_size) {
        entry& e = table[i];
        const std::uintptr_t at = __atomic_load_n(&e.address, __ATOMIC_ACQUIRE);  // pairs with the release in enter
        if (at == 0) return nullptr;
        if (at == address && e.parent == parent) return &e;
    }
}
std::uint32_t number_of(const entry& e) noexcept { return static_cast<std::uint32_t>(&e - table) + 1; }

/// @pre the lock is held. @returns null when the table is full
entry* enter(std::uint32_t parent, std::uintptr_t address) noexcept {
    if (entry* e = find(parent, address)) return e;
    if (entries == most_entries) return nullptr;
    ++entries;
    std::size_t i = mix(address, parent) >> 54;
    while (table[i].address != 0) i = (i + 1) % table_size;
    entry& e = table[i];
    e.parent = parent;
    e.rule = no_rule;
    e.leads_on = false;
    e.next = 0;
    __atomic_store_n(&e.address, address, __ATOMIC_RELEASE);
    if (parent == 0) {
        std::uint16_t& first = site_filter[place_in_filter(address)];
        e.next = first;
        __atomic_store_n(&first, static_cast<std::uint16_t>(number_of(e)), __ATOMIC_RELEASE);  // sites.I1
    }
    return &e;
}

#if defined(__x86_64__) && defined(DLFO_STRUCT_HAS_EH_DBASE)
bool find_way_out(std::uintptr_t returns_to, way_out& out) noexcept {
    constexpr std::size_t frame = machine_state::frame, stack = machine_state::stack, ip = machine_state::instruction;
    description about{};
    if (!find_description(returns_to - 1, about) || about.return_column != ip) return false;
    rules by;
    if (!interpreter(about, returns_to - 1).run(by)) return false;
    constexpr std::int64_t furthest = 1 << 20;
    const bool near = by.frame_offset >= 8 && by.frame_offset < furthest;
    if ((by.frame_register != frame && by.frame_register != stack) || !near) return false;
    if (by.of[ip] != rule::saved || by.offset[ip] != -8) return false;
    out.by_frame = by.frame_register == frame;
    out.up = static_cast<std::int32_t>(by.frame_offset);
    if (by.of[frame] == rule::saved && by.offset[frame] < 0 && by.offset[frame] > -furthest) {
        out.frame_at = static_cast<std::int32_t>(by.offset[frame]);
    }
    return true;
}
#else
bool find_way_out(std::uintptr_t, way_out&) noexcept { return false; }
#endif

/// Puts one chain of addresses into the table. @returns false where it does not fit, or a frame is not understood
bool install(const site_rule& rule, std::size_t number, const std::uintptr_t* chain) noexcept {
    way_out outs[site_rule::most_places];
    for (std::size_t i = 0; i + 1 < rule.depth; ++i) {
        if (!find_way_out(chain[i], outs[i])) return false;
    }
    std::uint32_t parent = 0;
    for (std::size_t i = 0; i < rule.depth; ++i) {
        entry* const e = enter(parent, chain[i]);
        if (e == nullptr) return false;
        if (i + 1 < rule.depth) {
            e->out = outs[i];
            __atomic_store_n(&e->leads_on, true, __ATOMIC_RELEASE);  // pairs with rule_of: publishes the way out
        } else {
            const struct route& by = the_site_rules.routes[rule.route].by;
            e->route = rule.route;
            e->kind = by.kind;
            e->least = static_cast<std::uint16_t>(by.least());
            e->most_more = static_cast<std::uint16_t>(by.largest() - by.least());
            __atomic_store_n(&e->rule, static_cast<std::uint8_t>(number), __ATOMIC_RELEASE);  // pairs with rule_of
        }
        parent = number_of(*e);
    }
    return true;
}

/// Every chain that a rule's places stand for. @pre all were found
void install_all(std::size_t number) noexcept {
    const site_rule& rule = the_site_rules.sites[number];
    std::size_t which[site_rule::most_places]{};
    bool any = false;
    for (bool more = true; more;) {
        std::uintptr_t chain[site_rule::most_places];
        for (std::size_t i = 0; i < rule.depth; ++i) chain[i] = found[number][i][which[i]];
        any = install(rule, number, chain) || any;
        more = false;
        for (std::size_t i = 0; i < rule.depth && !more; ++i) {  // the next combination
            more = ++which[i] < most_found && found[number][i][which[i]] != 0;
            if (!more) which[i] = 0;
        }
    }
    states[number] = any ? rule_state::learnt : rule_state::no_frame;
}

void look_for(std::size_t number, const loaded_file& file) noexcept {
    const site_rule& rule = the_site_rules.sites[number];
    if (states[number] == rule_state::learnt) return;
    bool all = true;
    for (std::size_t i = 0; i < rule.depth; ++i) {
        auto& to = found[number][i];
        const site_place& place = rule.places[i];
        if (to[0] == 0 && file.is_build(place.build_id) && place.offset != 0) {
            if (file.has_code_at(place.offset)) to[0] = file.bias + place.offset;
        } else if (to[0] == 0 && file.is_named_like(place.file)) {
            const std::size_t n = place.symbol.empty() ? 0 : file.calls_of(place.symbol, to, most_found);
            if (n == 0) states[number] = place.symbol.empty() ? rule_state::other_build : rule_state::no_such_symbol;
        }
        all = all && to[0] != 0;
    }
    if (all) install_all(number);
}

/// Files that were looked at, by where they lie.
constexpr std::size_t most_files = 256;
constinit std::uintptr_t seen[most_files];
constinit std::size_t seen_count = 0;

bool was_seen(std::uintptr_t begin) noexcept {
    const std::size_t n = __atomic_load_n(&seen_count, __ATOMIC_ACQUIRE);
    for (std::size_t i = 0; i < n; ++i) {
        if (__atomic_load_n(&seen[i], __ATOMIC_RELAXED) == begin) return true;
    }
    return n == most_files;
}
void look_at(const loaded_file& file) noexcept {
    for (std::size_t i = 0; i < the_site_rules.count; ++i) look_for(i, file);
    __atomic_store_n(&seen[seen_count], file.begin, __ATOMIC_RELAXED);
    __atomic_store_n(&seen_count, seen_count + 1, __ATOMIC_RELEASE);  // pairs with was_seen
}
/// Who does not get the lock leaves it to a later call: after a fork nobody may be there to unlock it.
void learn(const loaded_file& file) noexcept {
    if (!learning.try_lock()) return;
    if (!was_seen(file.begin)) look_at(file);
    learning.unlock();
}

/// Once, after the loader has loaded what the program names, and before the program's own code runs.
[[gnu::constructor]] void learn_what_is_loaded() {
    settings_first();
    const options& chosen = the_store.settings();
    if (the_site_rules.count + the_site_rules.class_count == 0 || chosen.harden != 0 || chosen.zero_on_free != 0) return;
    if (the_site_rules.count != 0) dl_iterate_phdr([](dl_phdr_info* info, std::size_t, void*) {
        learn(loaded_file(info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum, info->dlpi_name));
        return 0;
    }, nullptr);
    if (chosen.routes_at_exit == 1) return;
    os::keep_standard_error();  // programs may close theirs before
    atexit(&tell_drift);
}

/// Where the call of the innermost place returns, the place was found; from there outwards as far as there are rules.
const entry* entry_of(caller from) noexcept {
    std::uint32_t first = __atomic_load_n(&site_filter[place_in_filter(from.returns_to)], __ATOMIC_ACQUIRE);  // pairs with enter
    while (first != 0 && table[first - 1].address != from.returns_to) first = table[first - 1].next;
    const entry* e = first == 0 ? nullptr : &table[first - 1];
    const entry* best = nullptr;
    while (e != nullptr) {
        if (__atomic_load_n(&e->rule, __ATOMIC_ACQUIRE) != no_rule) best = e;  // pairs with install
        if (!__atomic_load_n(&e->leads_on, __ATOMIC_ACQUIRE)) break;  // pairs with install
        const std::uintptr_t end = (e->out.by_frame ? from.frame : from.stack) + static_cast<std::uintptr_t>(e->out.up);
        if (end <= from.stack || end - from.stack > std::size_t{1} << 20 || end % 8 != 0) break;
        if (e->out.frame_at != 0) from.frame = *reinterpret_cast<const std::uintptr_t*>(end + static_cast<std::uintptr_t>(std::intptr_t{e->out.frame_at}));
        from.returns_to = reinterpret_cast<const std::uintptr_t*>(end)[-1];
        from.stack = end;
        e = find(number_of(*e), from.returns_to);
    }
    return best;
}

// Of calls that came to the slow paths: a few that came most often (Misra, Gries, "Finding repeated elements", 1982).
struct tally_of_calls {
    std::uintptr_t address;
    std::uint32_t count;
};
constinit tally_of_calls calls[64]{};
constinit std::uint32_t all_calls = 0;

}  // namespace

void* allocate_by_rule(std::size_t size, const caller& from) noexcept {
    process_heap& h = *own_heap;
    if (&h == &no_heap) return nullptr;
    const entry* const e = entry_of(from);
    if (e == nullptr || size - e->least > e->most_more) return nullptr;
    const std::size_t r = e->route;
    void* p = e->kind == route_kind::pool ? h.pop_class(the_key, process_store::first_route + r) : h.bump(r, size);
    if (p == nullptr) [[unlikely]] {
        const visit inside(the_registry.gate(), h.inside());
        p = h.allocate_routed(r, size);
        if (p == nullptr) return nullptr;
    }
    site_tally& tally = h.tally_of(e->rule);
    ++tally.blocks;
    tally.bytes += size;
    return p;
}

void set_routes() noexcept {
    const options& chosen = the_store.settings();
    // Where each block is cleared, checked or counted by its class, the usual ones do.
    const bool usual = chosen.harden != 0 || chosen.zero_on_free != 0 || chosen.profile_sample_bytes != 0;
    for (std::size_t r = 0; r < site_rules::most_routes; ++r) {
        const route_rule& rule = the_site_rules.routes[r];
        if (!rule.is_class) the_store.set_route(r, rule.by);
        else if (!usual) the_store.add_class(r, rule.by.block_size);
    }
}

void note_slow_call(const void* return_address) noexcept {
    if (the_site_rules.count == 0) return;
    const auto address = reinterpret_cast<std::uintptr_t>(return_address);
    tally_of_calls& t = calls[mix(address, 0) >> 58];
    // Without a lock: a count that is lost now and then is no matter.
    const std::uint32_t n = __atomic_load_n(&t.count, __ATOMIC_RELAXED);
    if (__atomic_load_n(&t.address, __ATOMIC_RELAXED) == address) {
        __atomic_store_n(&t.count, n + 1, __ATOMIC_RELAXED);
    } else if (n == 0) {
        __atomic_store_n(&t.address, address, __ATOMIC_RELAXED);
        __atomic_store_n(&t.count, 1u, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&t.count, n - 1, __ATOMIC_RELAXED);
    }
    const std::uint32_t turn = __atomic_fetch_add(&all_calls, 1, __ATOMIC_RELAXED);
    if (turn % 16 != 0 || &::_dl_find_object == nullptr) return;
    dl_find_object module{};
    if (::_dl_find_object(const_cast<void*>(return_address), &module) != 0) return;
    if (was_seen(reinterpret_cast<std::uintptr_t>(module.dlfo_map_start))) return;
    learn(loaded_file::at(module));
}

rule_state state_of_rule(std::size_t rule) noexcept { return states[rule]; }

std::uintptr_t hottest_unruled(double& share) noexcept {
    const tally_of_calls* best = calls;
    for (const auto& t : calls) {
        if (t.count > best->count) best = &t;
    }
    share = all_calls == 0 ? 0 : static_cast<double>(best->count) / static_cast<double>(all_calls);
    return best->address;
}

}  // namespace ashlar::malloc
