// ashlar/foundation/contract.hpp - broken contracts are stopped where they are broken.
//
// Layer:      foundation
// Complexity: one predictable branch a check; nothing at a level that is off.
// Failure:    calls the handler; when it returns, or none is set, the process stops at the broken line.
// Threads:    the handler may be set and called from any thread.
// Checked by: tests/foundation/contract_test.cpp
//
// Three levels, chosen for a whole program by ASHLAR_CHECKS (misuse is a bug; running out is a value):
//   0  no checks
//   1  ASHLAR_PRE: what the caller promised (the default)
//   2  and ASHLAR_INVARIANT: what the component promises itself; may cost more than the operation
#pragma once

#include <cstdint>

#ifndef ASHLAR_CHECKS
#define ASHLAR_CHECKS 1
#endif

namespace ashlar {

/// What was broken, and where. The strings have static storage.
struct contract_violation {
    const char* kind;  ///< "precondition" or "invariant"
    const char* condition;
    const char* file;
    std::uint32_t line;
};

/// May report, throw no exception, and leave by longjmp (tests do) or end the process. If it returns, the
/// process stops: nothing is known to be true any more.
using contract_handler = void (*)(const contract_violation&);

namespace detail {
// Read and set by builtins: every header includes this one, and <atomic> is long.
inline constinit contract_handler current_contract_handler = nullptr;

[[noreturn]] __attribute__((cold, noinline)) inline void contract_broken(const char* kind, const char* condition,
                                                                          const char* file,
                                                                          std::uint32_t line) noexcept {
    // acquire: pairs with the release in set_contract_handler, so what the handler uses is seen
    if (auto* handler = __atomic_load_n(&current_contract_handler, __ATOMIC_ACQUIRE)) {
        handler(contract_violation{kind, condition, file, line});
    }
    __builtin_trap();
}
}  // namespace detail

/// @returns the handler that was set before, null for none
inline contract_handler set_contract_handler(contract_handler handler) noexcept {
    return __atomic_exchange_n(&detail::current_contract_handler, handler, __ATOMIC_ACQ_REL);
}

}  // namespace ashlar

#define ASHLAR_CONTRACT_CHECK_(kind, condition) \
    ((condition) ? static_cast<void>(0) : ::ashlar::detail::contract_broken(kind, #condition, __FILE__, __LINE__))
#define ASHLAR_CONTRACT_IGNORE_(condition) static_cast<void>(sizeof((condition) ? 1 : 0))

#if ASHLAR_CHECKS >= 1
#define ASHLAR_PRE(condition) ASHLAR_CONTRACT_CHECK_("precondition", condition)
#else
#define ASHLAR_PRE(condition) ASHLAR_CONTRACT_IGNORE_(condition)
#endif
#if ASHLAR_CHECKS >= 2
#define ASHLAR_INVARIANT(condition) ASHLAR_CONTRACT_CHECK_("invariant", condition)
#else
#define ASHLAR_INVARIANT(condition) ASHLAR_CONTRACT_IGNORE_(condition)
#endif
