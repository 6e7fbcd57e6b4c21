// ashlar/observe/address_map.hpp - the blocks that are live at one moment of a trace, found by address.
//
// Layer:      observe
// Source:     Knuth, The Art of Computer Programming 3, 6.4: linear probing, Algorithm R (deletion).
// Picture:    [ . | A | B | . | C | . ]   a block lies at its home slot or after it, none empty between
// Complexity: insert, take: expected O(1). Memory: 1.5 to 3 slots for each block of the greatest number live.
// Failure:    std::bad_alloc from insert; then the map is unchanged.
// Threads:    one at a time.
// Invariants: address_map.I1  size() slots are in use, and at most two thirds of all
//             address_map.I2  no slot between a block's home and its slot is empty
// Checked by: tests/observe/address_map_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// @pre addresses are not 0: that is the mark of an empty slot
template <class Value>
class address_map {
public:
    std::size_t size() const noexcept { return used_; }

    /// @pre address is not in the map
    void insert(std::uint64_t address, const Value& value) {
        ASHLAR_PRE(address != 0);
        if (3 * (used_ + 1) > 2 * slots_.size()) grow();
        place({address, value});
        ++used_;
        ASHLAR_INVARIANT(3 * used_ <= 2 * slots_.size());  // address_map.I1
    }

    /// Removes the block. @returns what was kept of it, or nothing if it is not live
    std::optional<Value> take(std::uint64_t address) noexcept {
        if (used_ == 0 || address == 0) return std::nullopt;
        std::size_t at = home(address);
        for (; slots_[at].address != address; at = next(at)) {
            if (slots_[at].address == 0) return std::nullopt;
        }
        std::optional<Value> taken(std::move(slots_[at].value));
        close_gap(at);
        --used_;
        return taken;
    }

    /// Calls visit(address, value) for every block, in no order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const slot& s : slots_) {
            if (s.address != 0) visit(s.address, s.value);
        }
    }

private:
    struct slot {
        std::uint64_t address = 0;
        Value value{};
    };

    // Fibonacci hashing: blocks lie at regular distances, which the multiplication spreads over the top bits.
    std::size_t home(std::uint64_t address) const noexcept {
        return static_cast<std::size_t>((address * 0x9e3779b97f4a7c15u) >> shift_);
    }
    std::size_t next(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }

    void place(slot s) noexcept {
        std::size_t at = home(s.address);
        for (; slots_[at].address != 0; at = next(at)) ASHLAR_PRE(slots_[at].address != s.address);
        slots_[at] = std::move(s);
    }

    void grow() {
        std::vector<slot> old(slots_.empty() ? 64 : 2 * slots_.size());
        old.swap(slots_);
        shift_ = slots_.size() == 64 ? 58 : shift_ - 1;
        for (slot& s : old) {
            if (s.address != 0) place(std::move(s));
        }
    }

    /// Moves later blocks of the run back, so that no search meets an empty slot too early (address_map.I2).
    void close_gap(std::size_t gap) noexcept {
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = next(gap); slots_[at].address != 0; at = next(at)) {
            // address_map.I2: a block may move only if its home is not between the gap and where it lies.
            if (((at - home(slots_[at].address)) & mask) >= ((at - gap) & mask)) {
                slots_[gap] = std::move(slots_[at]);
                gap = at;
            }
        }
        slots_[gap] = slot{};
    }

    std::vector<slot> slots_;
    std::size_t used_ = 0;
    int shift_ = 64;
};

}  // namespace ashlar
