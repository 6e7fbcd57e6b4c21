// ashlar/malloc/routes.hpp - what may serve the blocks of chosen call sites: pools of one exact size, arenas of any sizes.
//
// Layer:      malloc
// Source:     Hanson, "Fast allocation and deallocation of memory based on object lifetimes", 1990 (arenas); Barrett, Zorn,
//             "Using lifetime predictors to improve memory allocation performance", PLDI 1993 (arenas by call site).
// Picture:    chunk of an arena, a slice:  [ starts: a bit for each 16 bytes | block | block | block | . . . ]
//                                                                              1       1       1      1 ^ cursor
// Complexity: O(1); size_at: O(size / 1024).
// Failure:    none.
// Threads:    the owner sets bits; any thread may read them, and sees those of the blocks that it holds.
// Invariants: routes.I1  a set bit is the start of a block of the chunk, or the cursor: the next set bit ends a block
// Checked by: tests/malloc/routes_test.cpp, tests/malloc/heap_routed_test.cpp
//
// A store has room for a fixed number of routes. The usual one has none: then none of this is compiled.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/os/page_map.hpp"

namespace ashlar::malloc {

using os::slice_size;

enum class route_kind : std::uint8_t { none, pool, arena };

struct route {
    route_kind kind = route_kind::none;
    std::uint32_t block_size = 0;  ///< of a pool: a multiple of 16, at most largest_routed
    /// The sizes that it serves; others go the usual way. A pool leaves small ones to those who have blocks of their size.
    constexpr std::size_t least() const noexcept { return kind == route_kind::pool && block_size > 64 ? block_size - block_size / 4 : 0; }
    constexpr std::size_t largest() const noexcept;
    constexpr bool serves(std::size_t size) const noexcept { return kind != route_kind::none && size - least() <= largest() - least(); }
};

/// The largest block that a route serves; larger ones go the usual way.
inline constexpr std::size_t largest_routed = 8 * 1024;
constexpr std::size_t route::largest() const noexcept { return kind == route_kind::pool ? block_size : largest_routed; }
/// Rules, each about a call site, whose blocks are counted apart.
inline constexpr std::size_t most_site_rules = 64;

template <std::size_t Routes>
struct route_table {
    route of[Routes]{};
    // Under the store's lock:
    std::uint32_t spans[Routes]{};
    std::uint32_t most_spans[Routes]{};
};
template <>
struct route_table<0> {};

/// What came of one rule.
struct site_tally {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
};

/// Where an arena of one thread goes on.
template <class Span>
struct arena_cursor {
    std::byte* at = nullptr;
    std::byte* end = nullptr;  ///< of what was carved of the chunk
    Span* chunk = nullptr;
};

template <class Span, std::size_t Routes>
struct routed_state {
    arena_cursor<Span> arenas[Routes]{};
    site_tally sites[most_site_rules]{};
};
template <class Span>
struct routed_state<Span, 0> {};

/// The bits at the front of a chunk.
class chunk_starts {
public:
    static constexpr std::size_t granule = 16;
    static constexpr std::size_t bytes = slice_size / granule / 8;
    static constexpr std::size_t room = slice_size - bytes - granule;  ///< for blocks: the cursor has a bit at the end too

    explicit chunk_starts(std::byte* chunk) noexcept : words_(reinterpret_cast<std::uint64_t*>(chunk)) {}

    void clear() noexcept {
        std::memset(words_, 0, bytes);
        set(bytes);
    }
    void set(std::size_t offset) noexcept {
        std::uint64_t& word = words_[offset / granule / 64];
        // Not one atomic step: the owner alone writes. relaxed: what a thread reads of its blocks came with them.
        __atomic_store_n(&word, word | std::uint64_t{1} << (offset / granule % 64), __ATOMIC_RELAXED);
    }
    bool has(std::size_t offset) const noexcept {
        return offset % granule == 0 && (word_at(offset / granule / 64) >> (offset / granule % 64) & 1) != 0;
    }
    /// The first set bit from there on, as an offset; the chunk's size if there is none.
    std::size_t next(std::size_t offset) const noexcept {
        std::size_t at = offset / granule;
        for (; at < slice_size / granule; at = (at / 64 + 1) * 64) {
            const std::uint64_t left = word_at(at / 64) >> (at % 64);
            if (left != 0) return (at + static_cast<std::size_t>(std::countr_zero(left))) * granule;
        }
        return slice_size;
    }
    /// The bytes of the block that starts there. @pre has(offset), and it is not the cursor
    std::size_t size_at(std::size_t offset) const noexcept { return next(offset + granule) - offset; }

private:
    std::uint64_t word_at(std::size_t i) const noexcept { return __atomic_load_n(&words_[i], __ATOMIC_RELAXED); }

    std::uint64_t* words_;
};

}  // namespace ashlar::malloc
