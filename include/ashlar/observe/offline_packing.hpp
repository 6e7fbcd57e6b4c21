// ashlar/observe/offline_packing.hpp - how little address space a script needs, if one knew all of it beforehand.
//
// Layer:      observe
// Source:     Garey and Johnson, Computers and Intractability, 1979, SR2 (dynamic storage allocation: finding the least is
//             NP-complete); Johnstone and Wilson, "The memory fragmentation problem: solved?", ISMM 1998 (address-ordered
//             first fit comes close); Pisarchyk and Lee, "Efficient memory management for deep neural net inference",
//             2020 (greedy by size).
// Picture:    address ^   | CCCCCCCC |      each block a rectangle: its bytes times its life; none overlap;
//                     |AAA| BBBBB    |      how high is the pile?
// Complexity: O(n log n) for n steps; by size O(b*b) more where there are at most `by_size_limit` blocks.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: offline_packing.I1  least <= the optimum <= reached
//             offline_packing.I2  gaps neither overlap nor touch, and none ends at the top
// Checked by: tests/observe/offline_packing_test.cpp
//
// No headers, no size classes, no pages: what an allocator needs beyond `reached` is its own. A reallocation is the end
// of one block and the begin of another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/observe/replay_script.hpp"

namespace ashlar {

struct packing_bounds {
    std::uint64_t least = 0;    ///< the greatest live bytes, each block rounded up to the granule: no packing is lower
    std::uint64_t reached = 0;  ///< the lowest of the packings that were made
    bool by_size = false;       ///< that one places blocks by size; else in order of time, each where it fits lowest
};

inline constexpr std::size_t by_size_limit = 8192;  ///< blocks
/// Every block of a script begins at a multiple of it, so that sizes may be rounded up to it.
inline constexpr std::uint64_t packing_granule = 8;

/// @pre the steps are those of a whole script, whose slots are below `slots`
packing_bounds pack_offline(std::span<const replay_step> steps, std::uint64_t slots);

}  // namespace ashlar
