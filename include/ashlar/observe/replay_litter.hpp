// ashlar/observe/replay_litter.hpp - a heap that is not fresh: filled and perforated before a trace is replayed on it.
//
// Layer:      observe
// Source:     van Kempen and Berger, 2026, after Berger, Zorn and McKinley, "Reconsidering custom memory allocation",
//             OOPSLA 2002 (allocators compared on a littered heap).
// Picture:    grants of sizes that the trace asks for: [A][B][C][D][E][F]    half of them ended, at random: [A][ ][ ][D][E][ ]
// Complexity: linear in the steps that come out.
// Failure:    std::bad_alloc.
// Threads:    any.
// Invariants: replay_litter.I1  the same steps and seed give the same litter
// Checked by: tests/observe/replay_litter_test.cpp
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ashlar/observe/replay_script.hpp"

namespace ashlar {

struct litter_options {
    std::uint64_t seed = 1;
    std::uint64_t bytes = 0;              ///< granted at least; half of the blocks stay to the end
    std::uint64_t most_blocks = 1 << 20;  ///< whatever their bytes are
};

/// Steps on slots from 0 on, of one thread. Sizes and alignments are drawn from the granting steps of the script.
std::vector<replay_step> make_litter(std::span<const replay_step> steps, const litter_options& options);

}  // namespace ashlar
