// ashlar/observe/stack_costs.hpp - what each call stack cost, and what of it was live when most was.
//
// Layer:      observe
// Source:     the peak's share by stamps: a stack's bytes at the latest peak are what they were when it last changed before,
//             so one pass is enough and nothing is copied when a peak comes.
// Picture:    row: live 3 -> at_peak 3 (peak 7) -> live 5 ...      the copy is made at the first change after a peak
// Complexity: O(1) each; 104 bytes per number up to the greatest stack's.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: stack_costs.I1  the sum of at_peak over all stacks is what was live when peak() was last called
// Checked by: tests/observe/stack_costs_test.cpp
#pragma once

#include <cstdint>
#include <vector>

namespace ashlar {

/// A number of blocks, and their sizes added up.
struct tally {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;

    constexpr void add(std::uint64_t size, std::uint64_t n = 1) noexcept { blocks += n, bytes += n * size; }
    constexpr void remove(std::uint64_t size, std::uint64_t n = 1) noexcept { blocks -= n, bytes -= n * size; }
    constexpr tally& operator+=(const tally& more) noexcept {
        blocks += more.blocks;
        bytes += more.bytes;
        return *this;
    }
    friend constexpr bool operator==(const tally&, const tally&) = default;
};

/// What a stack, a place or a function cost.
struct cost {
    tally allocated;
    tally at_peak;    ///< live when the whole program's live bytes were greatest for the first time
    tally temporary;  ///< freed by their thread before it allocated again
    tally live;       ///< now: after the last event, what was never freed

    constexpr cost& operator+=(const cost& more) noexcept {
        allocated += more.allocated;
        at_peak += more.at_peak;
        temporary += more.temporary;
        live += more.live;
        return *this;
    }
    friend constexpr bool operator==(const cost&, const cost&) = default;
};

class stack_costs {
public:
    /// `n` blocks of that size: a block of a sample stands for more than itself
    void grant(std::uint32_t stack, std::uint64_t size, std::uint64_t n = 1) {
        entry& e = changing(stack);
        e.what.allocated.add(size, n);
        e.what.live.add(size, n);
    }
    /// @pre a block of that size was granted to the stack and not released since
    void release(std::uint32_t stack, std::uint64_t size, bool temporary, std::uint64_t n = 1) {
        entry& e = changing(stack);
        e.what.live.remove(size, n);
        if (temporary) e.what.temporary.add(size, n);
    }
    /// What is live now is the most so far.
    void peak() noexcept { ++peaks_; }

    struct row {
        std::uint32_t stack = 0;
        cost what;
    };
    /// Every stack that was granted a block, by its number.
    std::vector<row> rows() const;

private:
    struct entry {
        cost what;
        std::uint64_t peaks = 0;  ///< how many there had been when it last changed
    };
    entry& changing(std::uint32_t stack) {
        if (stack >= entries_.size()) entries_.resize(stack + std::size_t{1} + stack / 2);
        entry& e = entries_[stack];
        if (e.peaks != peaks_) {  // stack_costs.I1: until now it was as at the latest peak
            e.what.at_peak = e.what.live;
            e.peaks = peaks_;
        }
        return e;
    }

    std::vector<entry> entries_;
    std::uint64_t peaks_ = 0;
};

inline std::vector<stack_costs::row> stack_costs::rows() const {
    std::vector<row> all;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const entry& e = entries_[i];
        if (e.what.allocated.blocks == 0) continue;
        all.push_back({static_cast<std::uint32_t>(i), e.what});
        if (e.peaks != peaks_) all.back().what.at_peak = e.what.live;
    }
    return all;
}

}  // namespace ashlar
