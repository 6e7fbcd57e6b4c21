// ashlar/observe/heap_layout.hpp - how the blocks of one moment lie in memory: pages that are held, lines that are shared.
//
// Layer:      observe
// Source:     pages held by little: Maas et al., Learning-based memory allocation for C++ server workloads, ASPLOS 2020;
//             false sharing by allocators: Berger et al., Hoard, ASPLOS 2000.
// Picture:    |BBBB BBBB|     B   |         |BBBBBBBB.|    pages: full, sparse, not held, held
// Complexity: lay_out sorts: O(n log n) for n blocks. layouts_of reads the trace once, with slots of 24 bytes (1.5 to 3)
//             for each block live at a time and 24 bytes more for each at a moment. A layout is at most 1 MiB.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: heap_layout.I1  the sums of pages over shares and over cells are `pages`
//             heap_layout.I2  the unused bytes of all stacks are those of the sparse pages
// Checked by: tests/observe/heap_layout_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ashlar/observe/summary.hpp"
#include "ashlar/observe/trace_reader.hpp"

namespace ashlar {

struct placed_block {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::uint32_t stack = 0;
    std::uint32_t thread = 0;
};

struct heap_layout {
    static constexpr std::uint64_t page_bytes = 4096;
    static constexpr std::uint64_t line_bytes = 64;
    static constexpr std::uint64_t sparse_bytes = page_bytes / 4;  ///< a sparse page has at most so many live bytes
    static constexpr std::size_t shares = 16;
    static constexpr std::size_t cell_limit = 2048;
    static constexpr std::size_t pair_limit = 65536;

    /// Neighbouring pages, of which some are held.
    struct cell {
        std::uint64_t number = 0;  ///< address / (page_bytes << cell_bits)
        std::uint64_t pages = 0;
        std::uint64_t bytes = 0;   ///< live ones
    };
    /// What a stack has in sparse pages. The unused bytes of a page are shared out by the live bytes in it.
    struct sparse_row {
        std::uint32_t stack = 0;
        tally live;                ///< its blocks there, and their bytes in those pages; a block in two such pages counts twice
        std::uint64_t unused = 0;
    };
    /// Blocks of two threads in one line: who asked for them.
    struct sharing_row {
        std::uint32_t stack = 0, other_stack = 0;
        std::uint32_t thread = 0, other_thread = 0;  ///< in the first such line
        std::uint64_t lines = 0;
    };

    std::uint64_t time_ns = 0;
    std::uint64_t events = 0;      ///< of the trace until then
    tally live;
    std::uint64_t pages = 0;       ///< held: at least one live block begins, ends or lies in them
    std::array<std::uint64_t, shares + 1> by_share{};  ///< pages by their live bytes, in sixteenths of a page, rounded up
    std::uint64_t sparse_pages = 0;
    std::uint64_t sparse_live = 0; ///< bytes
    unsigned cell_bits = 0;
    std::vector<cell> map;         ///< by address; at most cell_limit
    std::vector<sparse_row> sparse;    ///< most unused bytes first
    std::uint64_t shared_lines = 0;    ///< lines with live blocks that different threads allocated
    std::vector<sharing_row> sharing;  ///< most lines first; of the first pair_limit pairs
};

/// Blocks that overlap (a damaged trace) count where they lie alone. The blocks are sorted.
heap_layout lay_out(std::vector<placed_block>& blocks);

/// The layouts at the peak, at the end, and at moments between them, in order of time: at most 17, and fewer if there are
/// more than a million blocks. `sparse` is told of the peak and the end only; `sharing`
/// of the one with most shared lines. Reads the trace from its beginning to its end. @pre reader, s is its summary
std::vector<heap_layout> layouts_of(trace_reader& reader, const summary& s);

}  // namespace ashlar
