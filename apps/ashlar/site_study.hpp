// apps/ashlar/site_study.hpp - which call sites of a trace would do better in pools or arenas of their own.
//
// Layer:      apps/ashlar
// Source:     Barrett, Zorn, PLDI 1993 (lifetime by call site); Wilson and others, "Dynamic storage allocation", 1995 (what dies
//             together should lie together).
// Picture:    stacks -> the four innermost places -> what its blocks are like -> as few places as tell them apart -> routes
//             a pool where blocks of one size are rounded up much; an arena where blocks of several sizes stay, if a
//             simulation of its chunks holds less memory than size classes do
// Complexity: two readings of the trace; memory as summary.hpp and 32 bytes a live block.
// Failure:    std::bad_alloc. A trace without call stacks has no routes.
// Threads:    main's thread.
// Checked by: tests/tool/sites_advised_test.py
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_reader.hpp"

namespace ashlar::app {

struct proposed_site {
    std::vector<std::uint32_t> places;  ///< indices of trace_stacks::places(), the innermost first
    std::uint64_t blocks = 0;
};

struct proposed_route {
    bool arena = false;
    std::uint64_t size = 0;            ///< of a pool's blocks
    std::vector<proposed_site> sites;  ///< most blocks first
    std::uint64_t blocks = 0;
    std::uint64_t at_peak = 0;         ///< bytes asked for that were live when most was
    std::uint64_t in_classes = 0;      ///< what these take in the usual malloc's size classes
    std::uint64_t held = 0;            ///< what the route would hold for them
    std::uint64_t most_held = 0;       ///< at its own greatest
};

/// @pre the reader is at the first event, and the summary is of the same trace. @returns most saved first; at most 24
std::vector<proposed_route> study_sites(trace_reader& trace, const summary& about);

inline constexpr std::uint8_t no_route = 0xff;
/// For each event that granted a block, in their order, the route that would serve it. @pre the reader is at the first event
std::vector<std::uint8_t> routes_of_grants(trace_reader& trace, const std::vector<proposed_route>& routes);

}  // namespace ashlar::app
