// src/observe/trace_definitions.hpp - what one thread's numbers for places and stacks mean, as its records define them.
//
// Layer:      observe
// Source:     docs/trace_format.md, stacks.
// Picture:    the thread's place 7, stack 12  --records 56, 57-->  the reader's place, stack
// Complexity: O(1) a record, amortised. Memory: 4 bytes per number that the file defines.
// Failure:    take() returns nullptr for bytes that are no possible definition. Numbers that a lost chunk defined mean
//             nothing known.
// Threads:    one at a time.
// Invariants: trace_definitions.I1  a number that is given out was defined before, by this thread
// Checked by: tests/observe/trace_reader_test.cpp, tests/observe/trace_stacks_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ashlar/observe/trace_stacks.hpp"

namespace ashlar {

/// Numbers given in order, of which a stretch may be missing.
class number_map {
public:
    explicit number_map(std::uint32_t first) { runs_.push_back({first, {}}); }
    std::uint64_t next() const noexcept { return runs_.back().first + runs_.back().meaning.size(); }
    void push(std::uint32_t meaning) { runs_.back().meaning.push_back(meaning); }
    /// Numbers from next() up to n are missing. @pre n >= next()
    void skip_to(std::uint64_t n) { if (n != next()) runs_.push_back({n, {}}); }
    /// @returns false if the number was never given; otherwise what it means, or `lost`
    bool find(std::uint64_t number, std::uint32_t lost, std::uint32_t& meaning) const noexcept;

private:
    struct run {
        std::uint64_t first;
        std::vector<std::uint32_t> meaning;
    };
    std::vector<run> runs_;
};

class trace_definitions {
public:
    explicit trace_definitions(trace_stacks& all) : all_(all) {}

    /// Reads what follows the tag of a definition. @returns the byte after it, or nullptr
    const std::byte* take(unsigned tag, const std::byte* at, const std::byte* end);
    /// Translates the number of a stack. @returns false if the thread has not defined it
    bool translate(std::uint32_t& stack) const noexcept;

private:
    const std::byte* take_place(const std::byte* at, const std::byte* end);
    const std::byte* take_stacks(const std::byte* at, const std::byte* end);
    const std::byte* take_module(const std::byte* at, const std::byte* end);
    const std::byte* take_counts(const std::byte* at, const std::byte* end);

    trace_stacks& all_;
    number_map places_{0};
    number_map stacks_{trace_stacks::first};
    std::uint32_t lost_place_ = UINT32_MAX;  ///< stands for places that are missing
};

}  // namespace ashlar
