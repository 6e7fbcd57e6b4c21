// ashlar/compose/usage_watch.hpp - a run of requests watched closely: sizes, turns, and which block is given back.
//
// Layer:      compose
// Picture:    grant grant free grant free free        turns: 1      newest first: free of what was granted just before
// Complexity: O(1) a request, some 15 instructions; the sum of it O(classes).
// Failure:    none.
// Threads:    one at a time.
// Invariants: usage_watch.I1  the newest blocks known are those of the run that are still live, newest last, up to 8
// Checked by: tests/compose/usage_watch_test.cpp
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ashlar/compose/adaptive_decision.hpp"
#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/size_class.hpp"

namespace ashlar {

class usage_watch {
public:
    /// @pre fewer than 65,536 grants since the beginning
    void granted(const std::byte* p, layout l) noexcept {
        ++seen_.watched;
        seen_.turns += after_free_;
        after_free_ = false;
        seen_.bytes += l.size();
        if (l.size() <= 4096) {
            seen_.small_bytes += l.size();
        } else {
            ++seen_.above_page;
        }
        ++by_class_[l.size() <= size_class_max ? class_of_size(l.size()) : size_class_count];
        if (known_ == newest_.size()) forget_half();
        newest_[known_++] = p;
    }
    void freed(const std::byte* p) noexcept {
        ++seen_.watched_frees;
        after_free_ = true;
        if (known_ == 0) return;
        if (newest_[known_ - 1] == p) {  // usage_watch.I1
            --known_;
            ++seen_.newest_first;
            return;
        }
        for (std::size_t i = 0; i + 1 < known_; ++i) {
            if (newest_[i] != p) continue;
            for (--known_; i < known_; ++i) newest_[i] = newest_[i + 1];
        }
    }
    std::uint32_t grants() const noexcept { return seen_.watched; }
    std::uint32_t frees() const noexcept { return seen_.watched_frees; }

    /// What was seen; what concerns the whole window is left at nothing.
    usage seen() const noexcept {
        usage sum = seen_;
        for (const std::uint16_t n : by_class_) {
            sum.distinct += n != 0;
            if (n > sum.commonest) sum.commonest = n;
        }
        return sum;
    }
    void begin() noexcept { *this = usage_watch(); }

private:
    void forget_half() noexcept {
        const std::size_t half = newest_.size() / 2;
        for (std::size_t i = 0; i < half; ++i) newest_[i] = newest_[i + half];
        known_ = half;
    }

    usage seen_;
    std::array<std::uint16_t, size_class_count + 1> by_class_{};
    std::array<const std::byte*, 8> newest_{};
    std::size_t known_ = 0;
    bool after_free_ = false;
};

}  // namespace ashlar
