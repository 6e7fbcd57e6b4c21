// ashlar/testing/observation.hpp - all that can be seen of an allocator without changing it.
//
// Layer:      testing
// Complexity: a walk of the free ranges and a fixed number of questions.
// Failure:    none: what an allocator does not tell is not observed.
// Threads:    one at a time.
// Checked by: tests/testing/observation_test.cpp
//
// Two equal observations are the after-image test of law C6: whatever a client could find out is as it was.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/testing/erased.hpp"
#include "ashlar/testing/ground.hpp"

namespace ashlar::testing {

struct observation {
    interval_set managed;              ///< what it holds of the ground
    std::optional<interval_set> free;  ///< if it is walkable
    bool walk_in_order = true;      ///< the walk gave disjoint ranges in address order
    std::vector<bool> available;    ///< if it forecasts: the answer for each of `probes()`
    friend bool operator==(const observation&, const observation&) = default;
};

inline const std::vector<layout>& probes() {
    static const std::vector<layout> all = [] {
        constexpr std::array<std::array<std::size_t, 2>, 20> wanted{{{1, 1},      {8, 8},        {16, 16},    {24, 8},
                                                                     {40, 8},     {64, 64},      {100, 4},    {128, 16},
                                                                     {256, 16},   {512, 16},     {1000, 8},   {1024, 1024},
                                                                     {2048, 16},  {4096, 4096},  {5000, 16},  {16384, 16},
                                                                     {65536, 16}, {131072, 128}, {524288, 8}, {1048576, 8}}};
        std::vector<layout> made;
        for (const auto& [size, align] : wanted) made.push_back(*layout::make(size, align));
        return made;
    }();
    return all;
}

/// The planned refusals are put off while it looks: they are the test's, not the allocator's.
template <class A>
observation observe(const A& a, ground& g) {
    const failure_plan plan = g.plan();
    g.plan().disarm();
    observation seen;
    if (g.watched()) seen.managed = g.managed();
    if constexpr (walkable<A>) {
        if (offers(a, ability::walk)) {
            seen.free.emplace();
            address last = 0;
            a.for_each_free([&](block b) {
                const range r = range_of(b);
                seen.walk_in_order = seen.walk_in_order && r.begin >= last && r.size() != 0;
                last = r.end;
                seen.free->insert(r);
            });
        }
    }
    if constexpr (forecasting<A>) {
        if (offers(a, ability::forecast)) {
            for (const layout l : probes()) seen.available.push_back(a.available(l));
        }
    }
    g.plan() = plan;
    return seen;
}

/// The first probe that was available in `before` and is not in `after`.
inline std::optional<layout> lost(const observation& before, const observation& after) {
    for (std::size_t i = 0; i < before.available.size(); ++i) {
        if (before.available[i] && !after.available[i]) return probes()[i];
    }
    return std::nullopt;
}

}  // namespace ashlar::testing
