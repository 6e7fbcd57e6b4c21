// ashlar/src/malloc/profile_table.hpp - what a heap profile knows: stacks with their counts, and the sampled blocks that live.
//
// Layer:      malloc
// Picture:    live block -> place of its row     row: [ stack | size | granted | freed ]   frames: one array for all
// Complexity: O(1) expected; the table of live blocks doubles when it is three quarters full.
// Failure:    what finds no room is counted in `dropped`; memory comes from the system, never from malloc.
// Threads:    one at a time (the profiler's lock).
// Invariants: profile_table.I1  granted - freed of a row is the number of live blocks that lead to it
// Checked by: tests/malloc/program/profile.py
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/os/platform.hpp"

namespace ashlar::malloc {

class profile_table {
public:
    static constexpr std::size_t deepest = 64;
    static constexpr std::size_t most_rows = std::size_t{1} << 16, most_frames = std::size_t{1} << 20;
    struct row {
        std::uint64_t hash;
        std::uint64_t size;  ///< of each of the blocks
        std::uint64_t granted;
        std::uint64_t freed;
        std::uint32_t first_frame;
        std::uint32_t depth;
    };

    /// @returns false when the system refuses the memory
    bool prepare() noexcept {
        if (rows_ != nullptr) return true;
        rows_ = static_cast<row*>(map(most_rows * sizeof(row)));
        frames_ = static_cast<std::uintptr_t*>(map(most_frames * sizeof(std::uintptr_t)));
        return rows_ != nullptr && frames_ != nullptr && (live_ != nullptr || grow(1024));
    }
    void granted(void* p, std::uint64_t size, const std::uintptr_t* frames, std::size_t depth) noexcept {
        row* const r = row_of(size, frames, depth);
        if (r == nullptr || (used_ * 4 >= capacity_ * 3 && !grow(capacity_ * 2))) {
            ++dropped_;
            return;
        }
        ++r->granted;
        place(p, static_cast<std::uint32_t>(r - rows_));
        ++used_;
    }
    void freed(void* p) noexcept {
        const std::size_t at = find(p);
        if (at == none) return;
        ++rows_[live_[at].row].freed;  // profile_table.I1
        take_out(at);
    }
    void moved(void* from, void* to) noexcept {
        const std::size_t at = find(from);
        if (at == none || from == to) return;
        const std::uint32_t r = live_[at].row;
        take_out(at);
        place(to, r);
        ++used_;
    }
    template <class F>
    void for_each_row(F f) const noexcept {
        for (std::size_t i = 0; rows_ != nullptr && i < most_rows; ++i) {
            if (rows_[i].granted != 0) f(rows_[i], frames_ + rows_[i].first_frame);
        }
    }
    std::uint64_t dropped() const noexcept { return dropped_; }
    const std::uintptr_t* frames() const noexcept { return frames_; }
    std::size_t frame_count() const noexcept { return frames_used_; }

    /// Memory from the system; null when refused.
    static void* map(std::size_t bytes) noexcept {
        bytes = (bytes + os::page_size() - 1) & ~(os::page_size() - 1);
        const auto got = os::reserve(bytes, os::page_size());
        if (!got) return nullptr;
        if (os::commit(got->data, bytes)) return got->data;
        os::release(got->data, bytes);
        return nullptr;
    }

private:
    struct entry {
        void* block;
        std::uint32_t row;
    };
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    static std::uint64_t mixed(std::uint64_t x) noexcept {
        x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
        return x ^ x >> 29;
    }
    row* row_of(std::uint64_t size, const std::uintptr_t* frames, std::size_t depth) noexcept {
        std::uint64_t hash = mixed(size + 1);
        for (std::size_t i = 0; i < depth; ++i) hash = mixed(hash ^ frames[i]) + i;
        hash |= 1;  // 0 is an empty row
        for (std::size_t tries = 0, at = hash % most_rows; tries < 64; ++tries, at = (at + 1) % most_rows) {
            row& r = rows_[at];
            if (r.hash == hash && r.size == size && r.depth == depth) return &r;
            if (r.hash != 0) continue;
            if (depth > most_frames - frames_used_) return nullptr;
            r = {hash, size, 0, 0, static_cast<std::uint32_t>(frames_used_), static_cast<std::uint32_t>(depth)};
            for (std::size_t i = 0; i < depth; ++i) frames_[frames_used_++] = frames[i];
            return &r;
        }
        return nullptr;
    }
    std::size_t home(void* p) const noexcept { return mixed(reinterpret_cast<std::uintptr_t>(p)) & (capacity_ - 1); }
    std::size_t find(void* p) const noexcept {
        if (live_ == nullptr) return none;
        for (std::size_t at = home(p); live_[at].block != nullptr; at = (at + 1) & (capacity_ - 1)) {
            if (live_[at].block == p) return at;
        }
        return none;
    }
    void place(void* p, std::uint32_t r) noexcept {
        std::size_t at = home(p);
        while (live_[at].block != nullptr) at = (at + 1) & (capacity_ - 1);
        live_[at] = {p, r};
    }
    /// Closes the gap: what was pushed behind it by a collision moves up.
    void take_out(std::size_t at) noexcept {
        --used_;
        std::size_t next = at;
        for (;;) {
            live_[at].block = nullptr;
            do {
                next = (next + 1) & (capacity_ - 1);
                if (live_[next].block == nullptr) return;
            } while (((next - home(live_[next].block)) & (capacity_ - 1)) < ((next - at) & (capacity_ - 1)));
            live_[at] = live_[next];
            at = next;
        }
    }
    bool grow(std::size_t capacity) noexcept {
        auto* const wider = static_cast<entry*>(map(capacity * sizeof(entry)));
        if (wider == nullptr) return false;
        entry* const old = live_;
        const std::size_t old_capacity = capacity_;
        live_ = wider;
        capacity_ = capacity;
        for (std::size_t i = 0; i < old_capacity; ++i) {
            if (old[i].block != nullptr) place(old[i].block, old[i].row);
        }
        if (old != nullptr) {
            const std::size_t bytes = (old_capacity * sizeof(entry) + os::page_size() - 1) & ~(os::page_size() - 1);
            os::release(reinterpret_cast<std::byte*>(old), bytes);
        }
        return true;
    }

    row* rows_ = nullptr;
    std::uintptr_t* frames_ = nullptr;
    std::size_t frames_used_ = 0;
    entry* live_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t used_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace ashlar::malloc
