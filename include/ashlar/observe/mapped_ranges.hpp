// ashlar/observe/mapped_ranges.hpp - the memory that a program has mapped by itself, as its mappings come and go.
//
// Layer:      observe
// Source:     mmap(2), munmap(2): a mapping may replace parts of others, and be given back in parts.
// Picture:    [ 1000 .. 5000 )   [ 8000 .. 9000 )     remove [ 2000 .. 3000 ):  [ 1000 .. 2000 ) [ 3000 .. 5000 ) ...
// Complexity: add, remove: O(log n), and O(1) for each range replaced. Memory: a node for each range.
// Failure:    std::bad_alloc. Ranges that would wrap end at the last page.
// Threads:    one at a time.
// Invariants: mapped_ranges.I1  ranges do not overlap, none is empty, and bytes() is the sum of their lengths
// Checked by: tests/observe/mapped_ranges_test.cpp
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

class mapped_ranges {
public:
    static constexpr std::uint64_t page = 4096;  ///< a mapping ends with a whole one

    /// What was there is replaced.
    void add(std::uint64_t begin, std::uint64_t size) {
        remove(begin, size);
        const std::uint64_t end = end_of(begin, size);
        if (end <= begin) return;
        ranges_.emplace(begin, end);
        bytes_ += end - begin;
        ASHLAR_INVARIANT(bytes_ >= end - begin);  // mapped_ranges.I1
    }

    /// @returns the bytes of it that were there
    std::uint64_t remove(std::uint64_t begin, std::uint64_t size) {
        const std::uint64_t end = end_of(begin, size), before = bytes_;
        auto at = ranges_.upper_bound(begin);
        if (at != ranges_.begin() && std::prev(at)->second > begin) --at;
        while (at != ranges_.end() && at->first < end) {
            const auto [first, last] = *at;
            bytes_ -= std::min(last, end) - std::max(first, begin);
            at = ranges_.erase(at);
            if (first < begin) ranges_.emplace(first, begin);
            if (last > end) ranges_.emplace(end, last);
        }
        return before - bytes_;
    }

    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    static std::uint64_t end_of(std::uint64_t begin, std::uint64_t size) noexcept {
        constexpr std::uint64_t last = UINT64_MAX - page + 1;
        if (begin >= last || size > last - begin) return last;
        return (begin + size + page - 1) / page * page;
    }

    std::map<std::uint64_t, std::uint64_t> ranges_;  // by begin
    std::uint64_t bytes_ = 0;
};

}  // namespace ashlar
