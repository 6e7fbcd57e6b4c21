// ashlar/observe/heap_film.hpp - pictures of a heap's address space, one after another, in a fixed room.
//
// Layer:      observe
// Picture:    frame 0: [##.. ]   frame 1: [####  ##. ]    a cell: 2^k neighbouring pages and their live bytes
// Complexity: a frame O(pages ever used); when there are more than cell_limit cells they are joined in pairs, in every frame.
// Failure:    frames beyond frame_limit are not taken.
// Threads:    one at a time.
// Invariants: heap_film.I1  the cells of a frame have different numbers, and all frames the same cell_bits
// Checked by: tests/observe/heap_film_test.cpp
//
// Trivially copyable and free of addresses, so that a worker may leave it in shared memory; it allocates nothing.
#pragma once

#include <array>
#include <cstdint>

#include "ashlar/observe/page_ledger.hpp"

namespace ashlar {

class heap_film {
public:
    static constexpr std::uint32_t frame_limit = 64;
    static constexpr std::uint32_t cell_limit = 1024;

    struct cell {
        std::uint64_t number = 0;  ///< address / (page_ledger::page_bytes << cell_bits)
        std::uint64_t live = 0;    ///< bytes granted; 0 where there were some before
    };
    struct frame {
        std::uint64_t steps = 0;  ///< done until then
        std::uint32_t count = 0;
        std::array<cell, cell_limit> cells{};  ///< the first `count`, in no order
    };

    /// Takes a picture. Each page that was ever used is in it.
    void add(const page_ledger& pages, std::uint64_t steps) noexcept {
        if (frames_ == frame_limit) return;
        frame& now = all_[frames_++];
        now.steps = steps;
        for (bool taken = false; !taken;) {
            start(now);
            taken = true;
            pages.for_each([&](std::uint64_t page, std::uint64_t live) { taken = taken && put(now, page >> cell_bits_, live); });
            if (!taken) join_in_pairs();
        }
    }

    std::uint32_t frames() const noexcept { return frames_; }
    const frame& at(std::uint32_t i) const noexcept { return all_[i]; }
    /// A cell is 2 to the power of so many pages.
    std::uint32_t cell_bits() const noexcept { return cell_bits_; }

private:
    static constexpr std::uint32_t table = 4 * cell_limit;

    void start(frame& f) noexcept {
        f.count = 0;
        index_.fill(0);
    }
    /// Adds to the cell of that number. @returns false where it would be one too many
    bool put(frame& f, std::uint64_t number, std::uint64_t live) noexcept {
        std::uint64_t i = (number * 0x9e3779b97f4a7c15u >> 40) % table;
        for (; index_[i] != 0; i = (i + 1) % table) {
            cell& known = f.cells[index_[i] - 1];
            if (known.number != number) continue;
            known.live += live;  // heap_film.I1
            return true;
        }
        if (f.count == cell_limit) return false;
        f.cells[f.count] = {number, live};
        index_[i] = ++f.count;
        return true;
    }
    /// The frames before the last: it is taken anew.
    void join_in_pairs() noexcept {
        ++cell_bits_;
        for (std::uint32_t i = 0; i + 1 < frames_; ++i) {
            frame& f = all_[i];
            const std::uint32_t count = f.count;
            start(f);
            for (std::uint32_t c = 0; c < count; ++c) {  // never more cells than were read: they are written behind the reading
                const cell read = f.cells[c];
                put(f, read.number >> 1, read.live);
            }
        }
    }

    std::uint32_t frames_ = 0;
    std::uint32_t cell_bits_ = 0;
    std::array<std::uint32_t, table> index_{};  ///< cell index plus one, by hashed number
    std::array<frame, frame_limit> all_{};
};

}  // namespace ashlar
