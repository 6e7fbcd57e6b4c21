// src/observe/address_set.hpp - the addresses that are live while a trace is read.
//
// Layer:      observe
// Source:     open addressing with linear probing; removal by moving later entries back (Knuth, TAOCP 3, 6.4
//             algorithm R), so that no tombstones pile up over billions of events.
// Complexity: O(1) expected; 11 to 32 bytes per address.
// Failure:    std::bad_alloc, as containers do.
// Threads:    one at a time.
// Invariants: address_set.I1  between an address and the place its hash names there is no empty place
// Checked by: tests/observe/address_set_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ashlar {

class address_set {
public:
    /// @pre address != 0. @returns whether it was new
    bool insert(std::uint64_t address) {
        if (places_.size() * 7 / 10 <= count_) grow();
        std::size_t at = find(address);
        if (places_[at] == address) return false;
        places_[at] = address;
        ++count_;
        return true;
    }

    bool contains(std::uint64_t address) const noexcept {
        return count_ != 0 && address != 0 && places_[find(address)] == address;
    }

    /// @returns whether it was there
    bool erase(std::uint64_t address) noexcept {
        if (!contains(address)) return false;
        std::size_t hole = find(address);
        const std::size_t mask = places_.size() - 1;
        for (std::size_t at = (hole + 1) & mask; places_[at] != 0; at = (at + 1) & mask) {
            // An entry may move back into the hole unless its home lies after the hole (address_set.I1).
            const std::size_t from_home = (at - home(places_[at])) & mask;
            if (from_home >= ((at - hole) & mask)) {
                places_[hole] = places_[at];
                hole = at;
            }
        }
        places_[hole] = 0;
        --count_;
        return true;
    }

    std::size_t size() const noexcept { return count_; }

private:
    std::size_t home(std::uint64_t address) const noexcept {
        return static_cast<std::size_t>(((address >> 4) ^ (address << 60)) * 0x9E3779B97F4A7C15U >> shift_);
    }
    std::size_t find(std::uint64_t address) const noexcept {
        std::size_t at = home(address);
        while (places_[at] != 0 && places_[at] != address) at = (at + 1) & (places_.size() - 1);
        return at;
    }
    void grow() {
        std::vector<std::uint64_t> old(places_.empty() ? 64 : places_.size() * 2);
        old.swap(places_);
        shift_ = 64;
        for (std::size_t n = places_.size(); n > 1; n /= 2) --shift_;
        for (const std::uint64_t a : old) {
            if (a != 0) places_[find(a)] = a;
        }
    }

    std::vector<std::uint64_t> places_;  // a power of two of them, never full; 0 is empty
    std::size_t count_ = 0;
    unsigned shift_ = 64;
};

}  // namespace ashlar
