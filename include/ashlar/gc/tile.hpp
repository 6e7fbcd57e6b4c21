// ashlar/gc/tile.hpp - where collected objects lie, and the bits that say so.
//
// Layer:      gc
// Source:     Blackburn and McKinley, "Immix", PLDI 2008 (bump allocation into holes); Kermany and Petrank, "The
//             Compressor", PLDI 2006 (liveness as a bit a granule, sliding by counting bits).
// Picture:    tile, 1 MiB and aligned to it:
//             [ owner.. | marks | occupied | destructors | plan | h object | h obj | hole . . . | h object ]
//             a bit of each map stands for 16 bytes; h is a header of 8 bytes, so every object is at a multiple of 16
// Complexity: from an object to its bits: a mask and a shift. 3.9% of a tile is maps, two fifths of it touched only by
//             compaction.
// Failure:    none.
// Threads:    those of the heap.
// Invariants: tile.I1  an object of n granules whose address has index i has the bits [i, i + n) of `occupied`
//             tile.I2  the bits of the maps' own room are always set in `occupied`, so no hole lies there
//             tile.I3  between two collections every run of `occupied`, up to an allocation cursor, is headers and objects
//             tile.I4  a large object is alone in its tile, and its index is so low that the first words of `marks` hold it
//             tile.I5  `marks` is zero but during a collection
//             tile.I6  an object that has the bits of `old` leads only to such, or to one that is remembered (young.cpp)
// Checked by: tests/gc/tile_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/contract.hpp"

namespace ashlar::gc {

class heap;
struct descriptor;
namespace detail {
struct root_slots;
}

/// The parts of the collector. No program needs them but through the headers beside this one.
namespace detail {

inline constexpr std::size_t granule = 16;
inline constexpr std::size_t tile_size = std::size_t{1} << 20;
inline constexpr std::size_t indices = tile_size / granule;
inline constexpr std::size_t words = indices / 64;
inline constexpr std::size_t header_size = 8;
inline constexpr std::size_t largest_small = 32 * 1024;  ///< bytes; what is longer has a tile of its own

constexpr std::size_t granules_for(std::size_t bytes) noexcept { return (bytes + header_size + granule - 1) / granule; }

/// In front of every object: its type, its length in granules where the type does not say it (0: large), whether it only
/// waits for its destructor.
class header {
public:
    header(const descriptor* type, std::size_t granules) noexcept
        : bits_(reinterpret_cast<std::uintptr_t>(type) | static_cast<std::uint64_t>(granules) << 48) {
        ASHLAR_PRE(reinterpret_cast<std::uintptr_t>(type) >> 48 == 0);
    }
    explicit header(const descriptor* type) noexcept : bits_(reinterpret_cast<std::uintptr_t>(type)) {}
    const descriptor* type() const noexcept {
        return reinterpret_cast<const descriptor*>(static_cast<std::uintptr_t>(bits_ & (address_bits - waiting_bit)));
    }
    std::size_t granules() const noexcept;  // type.hpp
    bool waiting() const noexcept { return (bits_ & waiting_bit) != 0; }
    void wait() noexcept { bits_ |= waiting_bit; }

private:
    std::size_t own_granules() const noexcept { return static_cast<std::size_t>(bits_ >> 48); }
    static constexpr std::uint64_t address_bits = (std::uint64_t{1} << 48) - 1;
    static constexpr std::uint64_t waiting_bit = 1;
    std::uint64_t bits_;
};
static_assert(sizeof(header) == header_size);

/// Where the granules of a word of `occupied` go: see sliding.hpp.
struct destination {
    std::uint64_t occupied;  ///< the word itself, so that one cache line tells all
    std::uint64_t first;
};

struct tile {
    heap* owner;
    root_slots* roots;  ///< of the owner
    tile* next;         ///< of the large ones
    std::size_t bytes;  ///< as granted by the upstream
    std::size_t large_offset;  ///< where the only object is; 0 in a tile of small ones
    std::size_t waiting;       ///< objects dead and not yet destroyed
    bool has_destructor;       ///< of the large object
    bool passed[2];            ///< no hole is left here for small, for medium objects
    bool has_immovable;        ///< of the small ones some cannot be moved
    bool unswept;              ///< marking is over, and `occupied` does not say so yet
    bool stays;                ///< during a compaction: nothing of it moves
    std::size_t unused[9];
    std::uint64_t marks[words];
    std::uint64_t occupied[words];
    std::uint64_t destructors[words];
    union {
        destination plan[words];   ///< during a compaction
        std::uint64_t old[words];  ///< else, of a generational heap: the objects that a collection has left (tile.I6)
    };
};

inline constexpr std::size_t first_index = sizeof(tile) / granule + 1;
inline constexpr std::size_t first_word = first_index / 64;
/// The bits of first_word that lie in the maps' room (tile.I2).
inline constexpr std::uint64_t own_bits = (std::uint64_t{1} << first_index % 64) - 1;
inline constexpr std::size_t large_offset_least = 192;
inline constexpr std::size_t large_align_most = 4096;
static_assert(offsetof(tile, marks) == 128);
static_assert(offsetof(tile, marks) + (large_align_most / granule / 64 + 1) * 8 <= large_offset_least - header_size);  // tile.I4

inline tile* tile_of(const void* object) noexcept {
    return reinterpret_cast<tile*>(reinterpret_cast<std::uintptr_t>(object) & ~(tile_size - 1));
}
inline std::size_t index_of(const void* object) noexcept {
    return (reinterpret_cast<std::uintptr_t>(object) & (tile_size - 1)) / granule;
}
inline std::byte* object_at(tile* t, std::size_t index) noexcept {
    return reinterpret_cast<std::byte*>(t) + index * granule;
}
inline header& header_of(const void* object) noexcept {
    return *reinterpret_cast<header*>(reinterpret_cast<std::uintptr_t>(object) - header_size);
}

inline std::uint64_t bit(std::size_t index) noexcept { return std::uint64_t{1} << (index % 64); }
/// Without the processor's own instruction, which not every x86-64 has.
inline std::size_t count_bits(std::uint64_t x) noexcept {
#ifdef __POPCNT__
    return static_cast<std::size_t>(__builtin_popcountll(x));
#else
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    return static_cast<std::size_t>((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101) >> 56);
#endif
}
inline bool test(const std::uint64_t* map, std::size_t index) noexcept { return (map[index / 64] & bit(index)) != 0; }

/// Applies f(word, mask) to the words of the bits [index, index + n).
template <class F>
inline void for_run(std::uint64_t* map, std::size_t index, std::size_t n, F f) noexcept {
    std::size_t w = index / 64;
    const std::size_t from = index % 64;
    if (from + n <= 64) {
        f(map[w], (~std::uint64_t{0} >> (64 - n)) << from);
        return;
    }
    f(map[w++], ~std::uint64_t{0} << from);
    for (n -= 64 - from; n >= 64; n -= 64) f(map[w++], ~std::uint64_t{0});
    if (n != 0) f(map[w], ~std::uint64_t{0} >> (64 - n));
}
/// @pre n != 0
inline void set_run(std::uint64_t* map, std::size_t index, std::size_t n) noexcept {
    for_run(map, index, n, [](std::uint64_t& word, std::uint64_t mask) { word |= mask; });
}
/// @pre n != 0
inline void clear_run(std::uint64_t* map, std::size_t index, std::size_t n) noexcept {
    for_run(map, index, n, [](std::uint64_t& word, std::uint64_t mask) { word &= ~mask; });
}

/// @returns the first index at or behind `index` whose bit is set (or clear, with Clear), or `indices`
template <bool Clear = false>
inline std::size_t find(const std::uint64_t* map, std::size_t index) noexcept {
    if (index >= indices) return indices;
    std::size_t w = index / 64;
    std::uint64_t word = (Clear ? ~map[w] : map[w]) & (~std::uint64_t{0} << (index % 64));
    while (word == 0) {
        if (++w == words) return indices;
        word = Clear ? ~map[w] : map[w];
    }
    return w * 64 + static_cast<std::size_t>(__builtin_ctzll(word));
}

}  // namespace detail
}  // namespace ashlar::gc
