// ashlar/testing/rejection.hpp - law C5: misuse has no effect but the report.
//
// Layer:      testing
// Complexity: a handful of misuses on a fresh allocator.
// Failure:    a misuse that goes unreported, or that changes something, breaks C5.
// Threads:    one at a time: the contract handler is the whole program's.
// Checked by: tests/testing/rejection_test.cpp
//
// An allocator without headers cannot know every misuse by itself; compose/validated.hpp does, on any allocator.
// The law is checked with it, so it needs a build that checks contracts (ASHLAR_CHECKS of 1 or more).
#pragma once

#include "ashlar/compose/validated.hpp"
#include "ashlar/testing/attempt.hpp"
#include "ashlar/testing/client.hpp"
#include "ashlar/testing/law.hpp"
#include "ashlar/testing/observation.hpp"

namespace ashlar::testing {

namespace detail {
/// The compiler must not know where p points: it would warn of the very misuse that is tried.
inline std::byte* opaque(std::byte* p) {
    asm volatile("" : "+r"(p));
    return p;
}

/// Tries every misuse on `v`, which is `a` or a checker around it.
template <class V, class A>
void try_misuses(V& v, const A& a, ground& g, ledger& log) {
    const layout l = *layout::make(64, 16);
    result<block> first = alloc_error{}, second = alloc_error{};
    const auto trouble = attempt([&] {
        first = v.allocate(l);
        second = v.allocate(l);
        if (second) v.deallocate(second->data, l);
    });
    if (!log.check(law::contracts, !trouble, [&] { return text_of(*trouble); }) || !first || !second) return;
    const held_block kept{1, first->data, first->size, l};
    kept.fill();
    const observation before = observe(a, g);
    static std::byte foreign[64];
    const auto misuse = [&](const char* what, auto act) {
        log.check(law::rejection, attempt(act).has_value(), [&] { return std::string(what) + " was not reported"; });
        log.check(law::rejection, observe(a, g) == before && !kept.damaged(kept.granted),
                  [&] { return std::string(what) + " had an effect"; });
    };
    misuse("a double free", [&] { v.deallocate(opaque(second->data), l); });
    misuse("the free of an interior pointer", [&] { v.deallocate(opaque(first->data + 16), l); });
    misuse("the free of a foreign pointer", [&] { v.deallocate(opaque(foreign), l); });
    misuse("the free of a null pointer", [&] { v.deallocate(opaque(nullptr), l); });
    misuse("a free with a size that does not fit", [&] { v.deallocate(first->data, *layout::make(63, 16)); });
    misuse("a free with another alignment", [&] { v.deallocate(first->data, *layout::make(64, 32)); });
    if (log.clean()) v.deallocate(first->data, l);
}
}  // namespace detail

/// `alone`: whether the allocator says that it reports every misuse by itself
template <class Factory>
void check_rejection([[maybe_unused]] const Factory& make, [[maybe_unused]] bool alone, [[maybe_unused]] ledger& log) {
#if ASHLAR_CHECKS >= 1
    ground g;
    auto a = make(g);
    if (alone) {
        detail::try_misuses(a, a, g, log);
    } else {
        validated<made_by<Factory>> v(a);
        detail::try_misuses(v, a, g, log);
    }
#endif
}

}  // namespace ashlar::testing
