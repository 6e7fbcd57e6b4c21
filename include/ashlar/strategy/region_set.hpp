// ashlar/strategy/region_set.hpp - the regions of a free_list, found by an address in them.
//
// Layer:      strategy
// Source:     Adelson-Velsky, Landis, 1962 (foundation/intrusive_tree.hpp), behind a table of what was found last.
// Picture:    address / 128 KiB mod 256 -> [ region | . | region | ... ]    not there: the tree, in order of address
// Complexity: find O(1) where the same 128 KiB were asked for last, else O(log n) in the number of regions; insert
//             O(log n); erase O(log n) and a look at the table. 2 KiB.
// Failure:    none.
// Threads:    one at a time, readers too: finding changes the table.
// Invariants: region_set.I1  the table refers to regions of the tree, or to one that holds nothing
// Checked by: tests/strategy/region_set_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/strategy/free_list_region.hpp"

namespace ashlar {

class region_set {
public:
    region_set() noexcept { forget(); }

    void insert(free_list_region& r) noexcept {
        regions_.insert(r);
        bytes_ += r.size();
    }
    void erase(free_list_region& r) noexcept {
        regions_.erase(r);
        bytes_ -= r.size();
        for (auto& known : found_) known = known == &r ? &nowhere : known;  // region_set.I1
    }
    /// @returns the region with a block at p; null for none
    free_list_region* find(const std::byte* p) const noexcept {
        free_list_region* const known = found_[slot(p)];
        return known->holds(p) ? known : find_far(p);
    }

    bool empty() const noexcept { return regions_.empty(); }
    free_list_region* any() const noexcept { return regions_.root(); }
    /// The bytes of all.
    std::size_t bytes() const noexcept { return bytes_; }
    template <class Visit>
    void for_each(Visit visit) const { regions_.for_each(visit); }
    bool consistent() const noexcept {
        std::size_t sum = 0;
        for_each([&](const free_list_region& r) { sum += r.size(); });
        return regions_.consistent() && sum == bytes_;
    }

private:
    struct by_address {
        static bool before(const free_list_region& a, const free_list_region& b) noexcept { return &a < &b; }
    };
    static constexpr std::size_t slots = 256;
    static std::size_t slot(const std::byte* p) noexcept { return (reinterpret_cast<std::uintptr_t>(p) >> 17) % slots; }
    static inline constinit free_list_region nowhere{};

    __attribute__((noinline)) free_list_region* find_far(const std::byte* p) const noexcept {
        free_list_region* const found = regions_.lower_bound([=](const free_list_region& r) { return r.end() <= p; });
        if (found == nullptr || !found->holds(p)) return nullptr;
        return found_[slot(p)] = found;
    }
    void forget() noexcept {
        for (auto& known : found_) known = &nowhere;
    }

    intrusive_tree<free_list_region, by_address> regions_;
    std::size_t bytes_ = 0;
    mutable free_list_region* found_[slots];
};

}  // namespace ashlar
