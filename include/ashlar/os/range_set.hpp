// ashlar/os/range_set.hpp - a set of addresses, kept as its maximal ranges.
//
// Layer:      os
// Picture:    insert  [ a ) . . [ b )   and   . . [ c ) . .   gives   [    a c b    )
// Complexity: O(log n + k) an operation, k being the ranges it joins or cuts; allocates from the global heap.
// Failure:    ends the program when the global heap is exhausted: it is made for tests.
// Threads:    one at a time.
// Invariants: range_set.I1  ranges are not empty, disjoint, and no two of them touch
//             range_set.I2  bytes() is the sum of their sizes
// Checked by: tests/os/range_set_test.cpp
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>

namespace ashlar::os {

class range_set {
public:
    /// Adds a range; what is in the set already stays.
    void insert(std::byte* p, std::size_t size) {
        std::byte* first = p;
        std::byte* last = p + size;
        auto at = ranges_.upper_bound(p);
        if (at != ranges_.begin() && std::prev(at)->second >= p) --at;  // touches or overlaps from the left
        while (at != ranges_.end() && at->first <= last) {
            if (at->first < first) first = at->first;
            if (at->second > last) last = at->second;
            at = drop(at);
        }
        put(first, last);
    }

    /// Takes a range out; what is not in the set is passed over.
    void erase(std::byte* p, std::size_t size) {
        std::byte* const last = p + size;
        auto at = ranges_.upper_bound(p);
        if (at != ranges_.begin() && std::prev(at)->second > p) --at;
        while (at != ranges_.end() && at->first < last) {
            std::byte* const left = at->first;
            std::byte* const right = at->second;
            at = drop(at);
            if (left < p) put(left, p);
            if (right > last) put(last, right);
        }
    }

    /// @returns whether all of the range is in the set
    bool contains(const std::byte* p, std::size_t size) const {
        auto at = ranges_.upper_bound(const_cast<std::byte*>(p));
        if (at == ranges_.begin()) return false;
        --at;
        return at->second >= p && static_cast<std::size_t>(at->second - p) >= size;
    }

    std::size_t bytes() const noexcept { return bytes_; }
    /// The number of maximal ranges.
    std::size_t count() const noexcept { return ranges_.size(); }

private:
    using ranges = std::map<std::byte*, std::byte*, std::less<>>;  // begin -> end

    // All changes go through these two, so range_set.I2 holds; insert joins what touches (range_set.I1).
    ranges::iterator drop(ranges::iterator at) {
        bytes_ -= static_cast<std::size_t>(at->second - at->first);
        return ranges_.erase(at);
    }
    void put(std::byte* first, std::byte* last) {
        bytes_ += static_cast<std::size_t>(last - first);
        ranges_.emplace(first, last);
    }

    ranges ranges_;
    std::size_t bytes_ = 0;
};

}  // namespace ashlar::os
