// src/observe/address_set.hpp - the addresses that are live while a trace is read.
//
// Layer:      observe
// Source:     bitmaps of 64 granules in an open-addressed table with linear probing (Knuth, TAOCP 3, 6.4): mallocs put blocks
//             beside each other, so that a cache holds many times what it would of single addresses.
// Picture:    address = | kibibyte: the key | 16-byte granule: a bit | low four bits: 0, or it is kept in odd_ |
// Complexity: O(1) expected; 23 to 46 bytes per kibibyte in which an address lies, or lay since the table last grew.
// Failure:    std::bad_alloc, as containers do.
// Threads:    one at a time.
// Invariants: address_set.I1  between a key and the place its hash names there is no empty place
//             address_set.I2  an entry without a bit is as good as none; the next growth leaves it out
// Checked by: tests/observe/address_set_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace ashlar {

class address_set {
public:
    /// @pre address != 0. @returns whether it was new
    bool insert(std::uint64_t address) {
        if ((address & 15) != 0) [[unlikely]] return odd_.insert(address).second;
        if (places_.size() * 7 / 10 <= used_) [[unlikely]] grow();
        entry& e = places_[find(key_of(address))];
        if (e.key == 0) {
            e.key = key_of(address);
            ++used_;
        }
        const std::uint64_t before = e.bits;
        e.bits |= bit_of(address);
        count_ += e.bits != before;
        return e.bits != before;
    }

    bool contains(std::uint64_t address) const noexcept {
        if ((address & 15) != 0) [[unlikely]] return odd_.contains(address);
        return (places_[find(key_of(address))].bits & bit_of(address)) != 0;
    }

    /// @returns whether it was there
    bool erase(std::uint64_t address) noexcept {
        if ((address & 15) != 0) [[unlikely]] return odd_.erase(address) != 0;
        entry& e = places_[find(key_of(address))];
        const std::uint64_t before = e.bits;
        e.bits &= ~bit_of(address);  // address_set.I2
        count_ -= e.bits != before;
        return e.bits != before;
    }

    /// Soon one of the above will be asked about this address.
    void prefetch(std::uint64_t address) const noexcept {
        __builtin_prefetch(&places_[home(key_of(address))], 1);
    }

    std::size_t size() const noexcept { return count_ + odd_.size(); }

private:
    struct entry {
        std::uint64_t key = 0;
        std::uint64_t bits = 0;
    };
    static std::uint64_t key_of(std::uint64_t address) noexcept { return (address >> 10) + 1; }
    static std::uint64_t bit_of(std::uint64_t address) noexcept { return std::uint64_t{1} << ((address >> 4) & 63); }
    std::size_t home(std::uint64_t key) const noexcept { return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15U >> shift_); }
    std::size_t find(std::uint64_t key) const noexcept {
        std::size_t at = home(key);
        // address_set.I1: an empty place is the end of the search.
        while (places_[at].key != 0 && places_[at].key != key) at = (at + 1) & (places_.size() - 1);
        return at;
    }
    void grow() {
        std::size_t kept = 0;
        for (const entry& e : places_) kept += e.bits != 0;
        const bool half_are_left = kept * 2 < used_;
        std::vector<entry> old(half_are_left ? places_.size() : places_.size() * 2);
        old.swap(places_);
        shift_ = 64;
        for (std::size_t n = places_.size(); n > 1; n /= 2) --shift_;
        for (const entry& e : old) {
            if (e.bits != 0) places_[find(e.key)] = e;
        }
        used_ = kept;
    }

    std::vector<entry> places_ = std::vector<entry>(64);  // a power of two of them, never full; key 0 is empty
    std::unordered_set<std::uint64_t> odd_;  // no malloc gives such; damaged traces do
    std::size_t used_ = 0;                   // entries with a key
    std::size_t count_ = 0;
    unsigned shift_ = 64 - 6;
};

}  // namespace ashlar
