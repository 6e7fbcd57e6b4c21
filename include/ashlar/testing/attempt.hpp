// ashlar/testing/attempt.hpp - run a piece of code up to the first contract it breaks.
//
// Layer:      testing
// Complexity: a setjmp and two exchanges of a handler.
// Failure:    tells which contract was broken, and where.
// Threads:    one at a time: the contract handler is the whole program's.
// Checked by: tests/testing/attempt_test.cpp
//
// The code is left at the broken line by longjmp, so whatever it was inside of is half done: the allocator must
// not be used again, except where the broken line is known to come before any change.
#pragma once

#include <csetjmp>
#include <optional>
#include <string>

#include "ashlar/foundation/contract.hpp"

namespace ashlar::testing {

namespace detail {
struct attempt_state {
    std::jmp_buf back;
    contract_violation seen{};
};
inline thread_local attempt_state* current_attempt = nullptr;

[[noreturn]] inline void leave(const contract_violation& v) {
    current_attempt->seen = v;
    std::longjmp(current_attempt->back, 1);
}

// By itself, so that no object with a destructor is in a frame that longjmp returns to.
template <class Act>
[[gnu::noinline]] bool returns_from(attempt_state& here, Act& act) {
    if (setjmp(here.back) != 0) return false;
    act();
    return true;
}
}  // namespace detail

/// @returns the contract that act() broke, or nothing if it came to its end
template <class Act>
std::optional<contract_violation> attempt(Act&& act) {
    detail::attempt_state here;
    auto* const outer = detail::current_attempt;
    detail::current_attempt = &here;
    const contract_handler before = set_contract_handler(&detail::leave);
    const bool returned = detail::returns_from(here, act);
    set_contract_handler(before);
    detail::current_attempt = outer;
    if (returned) return std::nullopt;
    return here.seen;
}

inline std::string text_of(const contract_violation& v) {
    return std::string("broke the ") + v.kind + " " + v.condition + " at " + v.file + ":" + std::to_string(v.line);
}

}  // namespace ashlar::testing
