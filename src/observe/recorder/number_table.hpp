// src/observe/recorder/number_table.hpp - numbers that a thread has given to pairs, in memory that is not malloc's.
//
// Layer:      observe
// Source:     Knuth, The Art of Computer Programming 3, 6.4: linear probing. Nothing is ever taken out singly.
// Picture:    [ (ip, parent) -> number | . | ... ]   full and no memory for twice the room: everything is forgotten
// Complexity: expected O(1). 16 bytes a slot, at most three quarters of them used.
// Failure:    without memory nothing is kept: find() then never finds.
// Threads:    one at a time; the bytes that all tables together may take are counted for the process.
// Invariants: number_table.I1  all tables of the process together take at most most_bytes
// Checked by: tests/observe/recorder
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/os/platform.hpp"

namespace ashlar::recorder {

class number_table {
public:
    static constexpr std::size_t most_bytes = std::size_t{6} << 20;
    static constexpr std::uint32_t none = 0;  ///< no number is this

    constexpr number_table() noexcept = default;

    [[gnu::always_inline]] std::uint32_t find(std::uint64_t ip, std::uint32_t parent) const noexcept {
        if (slots_ == nullptr) return none;
        for (std::size_t at = home(ip, parent);; at = (at + 1) & mask_) {
            const slot& s = slots_[at];
            if (s.number == none || (s.ip == ip && s.parent == parent)) return s.number;
        }
    }

    /// @pre it is not there, and number is not none @returns whether everything else had to be forgotten
    bool add(std::uint64_t ip, std::uint32_t parent, std::uint32_t number) noexcept {
        bool forgot = false;
        if (4 * (used_ + 1) > 3 * (mask_ + 1) || slots_ == nullptr) {
            if (!grow()) {
                if (slots_ == nullptr) return false;
                clear();
                forgot = true;
            }
        }
        place({ip, parent, number});
        ++used_;
        return forgot;
    }

    void clear() noexcept {
        if (slots_ != nullptr) std::memset(static_cast<void*>(slots_), 0, bytes());
        used_ = 0;
    }
    void release() noexcept {
        if (slots_ == nullptr) return;
        os::release(reinterpret_cast<std::byte*>(slots_), bytes());
        taken.fetch_sub(bytes(), std::memory_order_relaxed);
        slots_ = nullptr;
        mask_ = used_ = 0;
    }

private:
    struct slot {
        std::uint64_t ip;
        std::uint32_t parent;
        std::uint32_t number;
    };
    static constexpr std::size_t least = 256;
    static constinit inline std::atomic<std::size_t> taken{0};

    std::size_t bytes() const noexcept { return (mask_ + 1) * sizeof(slot); }
    std::size_t home(std::uint64_t ip, std::uint32_t parent) const noexcept {
        return static_cast<std::size_t>(((ip ^ std::uint64_t{parent} << 32) * 0x9E3779B97F4A7C15U) >> 32) & mask_;
    }
    void place(const slot& s) noexcept {
        std::size_t at = home(s.ip, s.parent);
        while (slots_[at].number != none) at = (at + 1) & mask_;
        slots_[at] = s;
    }
    bool grow() noexcept {
        const std::size_t count = slots_ == nullptr ? least : 2 * (mask_ + 1);
        const std::size_t size = count * sizeof(slot);
        if (taken.fetch_add(size, std::memory_order_relaxed) + size > most_bytes) {  // number_table.I1
            taken.fetch_sub(size, std::memory_order_relaxed);
            return false;
        }
        const auto space = os::reserve(size, os::page_size());
        if (!space || !os::commit(space->data, size)) {
            taken.fetch_sub(size, std::memory_order_relaxed);
            return false;
        }
        const number_table old = *this;
        slots_ = reinterpret_cast<slot*>(space->data);
        mask_ = count - 1;
        for (std::size_t i = 0; old.slots_ != nullptr && i <= old.mask_; ++i) {
            if (old.slots_[i].number != none) place(old.slots_[i]);
        }
        if (old.slots_ != nullptr) {
            os::release(reinterpret_cast<std::byte*>(old.slots_), old.bytes());
            taken.fetch_sub(old.bytes(), std::memory_order_relaxed);
        }
        return true;
    }

    slot* slots_ = nullptr;
    std::size_t mask_ = 0;
    std::size_t used_ = 0;
};

}  // namespace ashlar::recorder
