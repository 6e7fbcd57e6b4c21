// ashlar/testing/interval_set.hpp - a set of addresses, kept as disjoint ranges in order.
//
// Layer:      testing
// Picture:    { [b0, e0)  [b1, e1)  ... }   b0 < e0 < b1 < e1 < ...
// Complexity: O(log n) to find, O(n) to compare; meant to be obviously right, not quick.
// Failure:    none: sets are compared, never trusted.
// Threads:    a plain value.
// Invariants: interval_set.I1  ranges are not empty, disjoint, in order, and no two of them touch
// Checked by: tests/testing/interval_set_test.cpp
//
// Ranges that touch are one range: the set does not remember how it was put together, so two heaps that have
// the same bytes free have equal sets, and a run of free bytes is found however it came to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/layout.hpp"

namespace ashlar::testing {

using address = std::uintptr_t;

/// [begin, end)
struct range {
    address begin = 0;
    address end = 0;

    constexpr std::size_t size() const noexcept { return end - begin; }
    constexpr bool contains(range r) const noexcept { return begin <= r.begin && r.end <= end; }
    constexpr bool meets(range r) const noexcept { return begin < r.end && r.begin < end; }
    friend constexpr bool operator==(const range&, const range&) = default;
};

inline address address_of(const std::byte* p) noexcept { return reinterpret_cast<address>(p); }
inline range range_of(block b) noexcept { return {address_of(b.data), address_of(b.data) + b.size}; }
inline range range_of(const std::byte* p, std::size_t size) noexcept { return {address_of(p), address_of(p) + size}; }

class interval_set {
public:
    interval_set() = default;
    explicit interval_set(range r) { insert(r); }

    /// Adds every address of r. Those already in the set stay in it once.
    void insert(range r) {
        if (r.begin >= r.end) return;
        auto it = ranges_.upper_bound(r.begin);
        if (it != ranges_.begin() && std::prev(it)->second >= r.begin) --it;
        while (it != ranges_.end() && it->first <= r.end) {
            if (it->first < r.begin) r.begin = it->first;
            if (it->second > r.end) r.end = it->second;
            it = ranges_.erase(it);
        }
        ranges_.emplace(r.begin, r.end);
    }

    /// Takes every address of r out.
    void erase(range r) {
        if (r.begin >= r.end) return;
        auto it = ranges_.upper_bound(r.begin);
        if (it != ranges_.begin() && std::prev(it)->second > r.begin) --it;
        while (it != ranges_.end() && it->first < r.end) {
            const range cut{it->first, it->second};
            it = ranges_.erase(it);
            if (cut.begin < r.begin) ranges_.emplace(cut.begin, r.begin);
            if (cut.end > r.end) ranges_.emplace(r.end, cut.end);
        }
    }

    /// Whether every address of r is in the set.
    bool contains(range r) const { return r.begin >= r.end || around(r.begin).contains(r); }
    /// Whether any address of r is in the set.
    bool meets(range r) const {
        if (r.begin >= r.end) return false;
        const auto next = ranges_.lower_bound(r.begin);
        return (next != ranges_.end() && next->first < r.end) || around(r.begin).meets(r);
    }
    /// The range that holds the address, or an empty one.
    range around(address a) const {
        const auto next = ranges_.upper_bound(a);
        if (next == ranges_.begin()) return {};
        const auto it = std::prev(next);
        return a < it->second ? range{it->first, it->second} : range{};
    }

    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& [begin, end] : ranges_) sum += end - begin;
        return sum;
    }
    std::size_t count() const { return ranges_.size(); }
    bool empty() const { return ranges_.empty(); }

    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& [begin, end] : ranges_) visit(range{begin, end});
    }

    /// The addresses in both sets.
    friend interval_set common(const interval_set& a, const interval_set& b) {
        interval_set both = a;
        a.for_each([&](range r) {
            address cursor = r.begin;
            b.for_each([&](range keep) {
                if (!keep.meets(r)) return;
                both.erase({cursor, keep.begin > cursor ? keep.begin : cursor});
                cursor = keep.end;
            });
            if (cursor < r.end) both.erase({cursor, r.end});
        });
        return both;
    }
    friend bool operator==(const interval_set&, const interval_set&) = default;

private:
    std::map<address, address> ranges_;  // begin -> end
};

/// The first place in r that the layout fits, or an empty range.
inline range place_in(range r, layout l) {
    if (align_up_wraps(r.begin, static_cast<address>(l.align()))) return {};
    const address begin = align_up(r.begin, static_cast<address>(l.align()));
    if (begin > r.end || r.end - begin < l.size()) return {};
    return {begin, begin + l.size()};
}

/// available(l) of the model: some range of the set holds an aligned run of that length.
inline bool holds_run(const interval_set& free, layout l) {
    bool found = false;
    free.for_each([&](range r) { found = found || place_in(r, l).size() != 0; });
    return found;
}

}  // namespace ashlar::testing
