// ashlar/preset/adaptive_default.hpp - an adaptive allocator of three candidates: an arena, pools by size, best fit.
//
// Layer:      preset
// Picture:    bulk     a cursor through chunks that empty together                            phases that end at once
//             pools    up to 1 KiB kept by size class, up to 4 KiB in chunks of one class     steady states
//             general  best fit                                                               sizes above a page
// Complexity: that of the candidate asked; compose/adaptive.hpp says what is added.
// Failure:    as compose/adaptive.hpp.
// Threads:    one at a time; share it through compose/locked.hpp.
// Checked by: tests/preset/adaptive_default_test.cpp
//
// On phase-changing programs: docs/benchmarks/adaptive.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/compose/adaptive.hpp"
#include "ashlar/compose/cached.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/segregated.hpp"

namespace ashlar {

namespace preset {

template <class Upstream>
struct segregated_below {
    segregated<Upstream> below;
    explicit segregated_below(ref<Upstream> upstream) noexcept : below(upstream) {}
};
template <class Upstream>
struct pools : private segregated_below<Upstream>, public cached<segregated<Upstream>, 64, 1024> {
    explicit pools(ref<Upstream> upstream) noexcept
        : segregated_below<Upstream>(upstream), cached<segregated<Upstream>, 64, 1024>(this->below) {}
};
/// Three chunks fill a region of 1 MiB.
template <class Upstream>
struct bulk : arena<Upstream> {
    explicit bulk(ref<Upstream> upstream) noexcept : arena<Upstream>(upstream, {.first_chunk = 21 * 16384, .growth = 1}) {}
};
template <class Upstream>
struct general : free_list<best_fit, Upstream> {
    explicit general(ref<Upstream> upstream) noexcept : free_list<best_fit, Upstream>(upstream, 62 * 16384) {}
};

/// What a request and the free that goes with it cost by each of the three, in instructions: those counted by callgrind on the
/// programs of docs/benchmarks/adaptive.md; more where blocks go back in long `runs`, for then no cache of blocks is deep enough;
/// and what an arena pays for memory that is not used again, by the `line` of the processor's cache.
struct bulk_pools_general {
    static constexpr std::uint32_t bulk = 40, pools = 95, general = 310, runs = 190, line = 64, refused = 20;

    candidate_costs<3> operator()(const usage& seen) const noexcept {
        const std::uint32_t small = seen.watched - seen.above_page;
        const std::uint32_t turns = seen.turns < seen.watched ? seen.turns : seen.watched;
        const std::uint32_t churn = turns > seen.newest_first ? turns - seen.newest_first : 0;
        std::uint64_t wasted = seen.active == 0 ? seen.regained / 64 * seen.watched / (seen.grants == 0 ? 1 : seen.grants)
                                                : 0;  // lines
        const std::uint64_t lines = small == 0 ? 0 : (seen.small_bytes / small + 63) / 64;
        if (churn * lines > wasted) wasted = churn * lines;
        const std::uint64_t in_runs = small - (turns < small ? turns : small);
        const std::uint64_t above = std::uint64_t{seen.above_page} * general;
        const auto mean = [&](std::uint64_t sum) { return static_cast<std::uint32_t>(sum / seen.watched); };
        return {mean(std::uint64_t{bulk} * small + line * wasted + above + std::uint64_t{refused} * seen.above_page),
                mean(std::uint64_t{pools} * small + runs * in_runs + above + std::uint64_t{refused} * seen.above_page),
                mean(std::uint64_t{general} * small + runs * in_runs + above)};
    }
};

}  // namespace preset

/// For a program whose phases differ and are not known beforehand.
template <allocator Upstream = page<>>
using adaptive_default =
    adaptive<preset::bulk_pools_general, apportioned<3, Upstream>, preset::bulk, preset::pools, preset::general>;

}  // namespace ashlar
