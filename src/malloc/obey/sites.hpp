// ashlar/src/malloc/obey/sites.hpp - which rule of the conf is about a call of malloc: found by where the call returns to.
//
// Layer:      malloc
// Source:     Barrett, Zorn, "Using lifetime predictors to improve memory allocation performance", PLDI 1993 (sites of a few
//             frames); DWARF 5, 6.4 (where a caller's return address lies).
// Picture:    return address -> filter: one of 4096 -- 0, as ever --> the usual malloc
//                                                      -- else --> the entry, or the next one with that place -> rule
//                                        is it a wrapper's? its caller's: (that entry, address) -> rule of more places
// Complexity: may_be_ruled: seven instructions. A place further out: two loads from the stack and a look into the table; where
//             in the frame the return address lies was found when the rule was learnt.
// Failure:    a rule whose file is of another build, or not loaded, is about nothing; as are those that do not fit the table.
// Threads:    any: entries are only added, and read without a lock.
// Invariants: sites.I1  what is in the filter was put into the table before
// Checked by: tests/malloc/program/routed.py
//
// Compiled into libashlar-malloc-obey.so alone; the usual library has the declarations, and calls nothing of it.
#pragma once

#include "../process.hpp"

namespace ashlar::malloc {

#pragma GCC visibility push(hidden)
extern site_rules the_site_rules;
extern std::uint16_t site_filter[4096];
#pragma GCC visibility pop

/// Who called: by the frame of a function that it jumped to.
struct caller {
    std::uintptr_t returns_to;
    std::uintptr_t stack;  ///< its stack pointer before the call
    std::uintptr_t frame;  ///< its frame register

    [[gnu::always_inline]] static caller of(const void* return_address, const void* frame) noexcept {
        const auto* const at = static_cast<const std::uintptr_t*>(frame);
        return {reinterpret_cast<std::uintptr_t>(return_address), reinterpret_cast<std::uintptr_t>(at + 2), at[0]};
    }
};

constexpr std::size_t place_in_filter(std::uintptr_t address) noexcept { return address * std::uint64_t{0x9e3779b97f4a7c15u} >> 52; }

[[gnu::always_inline]] inline bool may_be_ruled(const void* return_address) noexcept {
    return __atomic_load_n(&site_filter[place_in_filter(reinterpret_cast<std::uintptr_t>(return_address))], __ATOMIC_RELAXED) != 0;
}

/// @returns a block where a rule is about the caller and its route serves that size; else null
void* allocate_by_rule(std::size_t size, const caller& from) noexcept;

/// After the settings were read: the routes of the conf become those of the store.
void set_routes() noexcept;
/// Now and then, of calls that the usual paths serve: counts who they are, and learns of files that were loaded since.
void note_slow_call(const void* return_address) noexcept;

/// Of one rule: whether it is about anything.
enum class rule_state : std::uint8_t { not_loaded, other_build, no_such_symbol, no_frame, learnt };
rule_state state_of_rule(std::size_t rule) noexcept;
/// The call that no rule is about and that came to the slow paths most often; its share of those. 0 for none.
std::uintptr_t hottest_unruled(double& share) noexcept;
/// What is to be said at exit (drift.cpp).
void tell_drift() noexcept;

}  // namespace ashlar::malloc
