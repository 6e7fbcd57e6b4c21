// ashlar/testing/run.hpp - one life of an allocator: built, used by a script, emptied, ended.
//
// Layer:      testing
// Complexity: that of the session; shrinking a counter-example runs it a bounded number of times.
// Failure:    what was broken is in the outcome.
// Threads:    one at a time.
// Checked by: tests/testing/run_test.cpp
#pragma once

#include <functional>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ashlar/testing/session.hpp"

namespace ashlar::testing {

struct circumstances {
    placement where = placement::lowest;
    std::size_t refuse_at = 0;  ///< the n-th request to the ground is refused; 0: none
    failure how = failure::once;
    std::size_t capacity = std::size_t{1} << 20;

    std::string text() const {
        if (refuse_at == 0) return {};
        return "upstream request " + std::to_string(refuse_at) + " refused" +
               (how == failure::once ? " once" : " and every later one");
    }
};

struct outcome {
    ledger log;
    results seen;
    bool refusal_reached = false;  ///< the planned refusal took place

    void check_contracts(const std::optional<contract_violation>& broken) {
        log.check(law::contracts, !broken, [&] { return text_of(*broken); });
    }
};

/// Laws that are excused are not recorded as broken.
template <allocator_factory Factory>
outcome run(const Factory& make, const claims<made_by<Factory>>& stated, const script& acts,
            const circumstances& given = {}, std::vector<std::string>* trace = nullptr) {
    outcome o;
    for (std::size_t i = 0; i < law_count; ++i) {
        if (!stated.excused[i].empty()) o.log.excuse(static_cast<law>(i));
    }
    ground g(given.capacity, given.where);
    g.refuse(given.refuse_at, given.how);
    if (trace != nullptr && given.refuse_at != 0) trace->push_back("with " + given.text());
    using A = made_by<Factory>;
    alignas(A) std::byte place[sizeof(A)];
    A* a = nullptr;
    o.check_contracts(attempt([&] { a = ::new (place) A(make(g)); }));
    if (a == nullptr) return o;
    session s(*a, g, stated, o.log, trace);
    s.play(acts);
    s.finish();
    o.seen = s.seen();
    o.refusal_reached = g.refusals() != 0;
    if (o.log.broke(law::contracts)) return o;  // it was left half way: not even its end is safe
    o.check_contracts(attempt([&] { a->~A(); }));
    if (!o.log.clean()) return o;
    const auto held = g.still_held();
    o.log.check(law::conservation, !held, [&] { return *held; });
    const auto damage = g.damage();
    o.log.check(law::frame, !damage, [&] { return *damage; });
    return o;
}

/// The smallest script for which `fails` is still true that so many runs of it find.
/// @pre fails(acts)
inline script shrink(script acts, const std::function<bool(const script&)>& fails, std::size_t runs = 1000) {
    const auto better = [&](const script& s) { return runs != 0 && runs-- != 0 && fails(s); };
    for (bool smaller = true; smaller && runs != 0;) {
        smaller = false;
        for (std::size_t n = acts.size(); n != 0; n /= 2) {  // leave out runs of n acts
            for (std::size_t at = 0; at + n <= acts.size();) {
                script fewer = acts;
                fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                            fewer.begin() + static_cast<std::ptrdiff_t>(at + n));
                if (better(fewer)) {
                    acts = std::move(fewer);
                    smaller = true;
                } else {
                    at += n;
                }
            }
        }
        for (std::size_t at = 0; at < acts.size(); ++at) {  // make bytes smaller
            for (std::uint8_t act::*field : {&act::kind, &act::size, &act::align, &act::pick}) {
                for (unsigned value : {0U, acts[at].*field / 2U, acts[at].*field - 1U}) {
                    if (value >= acts[at].*field) continue;
                    script plainer = acts;
                    plainer[at].*field = static_cast<std::uint8_t>(value);
                    if (!better(plainer)) continue;
                    acts = std::move(plainer);
                    smaller = true;
                    break;
                }
            }
        }
    }
    return acts;
}

}  // namespace ashlar::testing
