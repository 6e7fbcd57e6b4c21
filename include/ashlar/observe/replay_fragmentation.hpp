// ashlar/observe/replay_fragmentation.hpp - what a heap makes of its memory: looks at it, and figures from the looks.
//
// Layer:      observe
// Source:     Johnstone and Wilson, "The memory fragmentation problem: solved?", ISMM 1998 (the four measures).
// Picture:    bytes ^  used      what the kernel has given        }
//                   |  held      pages with a live block in them  }  used - granted: external
//                   |  granted   what the live blocks may use     }  granted - live: internal
//                   |  live      what was asked for
// Complexity: linear in the looks.
// Failure:    of no looks every figure is 0.
// Threads:    values.
// Checked by: tests/observe/replay_fragmentation_test.cpp
#pragma once

#include <cstdint>
#include <span>

namespace ashlar {

/// One look, between two steps. All but the first are bytes.
struct replay_look {
    std::uint64_t steps = 0;    ///< done until then
    std::uint64_t live = 0;     ///< asked for by the blocks that are live
    std::uint64_t granted = 0;  ///< of which the heap says that they may be used
    std::uint64_t held = 0;     ///< whole pages in which a granted byte lies
    std::uint64_t used = 0;     ///< growth of the process's own memory
    std::uint64_t regular = 0;  ///< 1 for the looks at equal distances, which alone enter into means
};

/// All are ratios of memory used to memory asked for; 1 would be no overhead at all.
struct fragmentation_measures {
    double mean = 0;          ///< measure 1: used over live, averaged over time
    double at_peak_live = 0;  ///< measure 2: used over live when most was live
    double at_peak_used = 0;  ///< measure 3: used over live when most was used
    double peaks = 0;         ///< measure 4: most used over most live, whenever each was
};

fragmentation_measures measure_fragmentation(std::span<const replay_look> looks) noexcept;

/// Shares of the greatest memory: at the look at which most was used.
struct fragmentation_shares {
    double internal = 0;  ///< granted and not asked for, of what is granted
    double external = 0;  ///< used and not granted, of what is used: free blocks, empty pages, headers
    double scattered = 0; ///< held and not granted, of what is held: holes in pages that cannot be given back
};

fragmentation_shares share_fragmentation(std::span<const replay_look> looks) noexcept;

}  // namespace ashlar
