// ashlar/observe/class_search.hpp - the size classes that would round away least of what a program asks for.
//
// Layer:      observe
// Source:     Bellman, "Dynamic Programming", 1957; the split of the search by the place of the best: Galil, Park,
//             "Dynamic programming with convexity, concavity and sparsity", Theoretical Computer Science 92, 1992.
// Picture:    sizes   8 24 40 . . . 500 504         each block takes the class at or above its size
//             classes    24 40            504       rounded away: what lies between
// Complexity: n distinct sizes after rounding to the step, k classes: O(k n log n) time, O(k n) room. classes_beside: the same k
//             times, of those sizes alone that lie between two usual classes.
// Failure:    std::bad_alloc.
// Threads:    pure functions.
// Checked by: tests/observe/class_search_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ashlar {

struct sized_blocks {
    std::uint64_t size = 0;
    std::uint64_t blocks = 0;
};

/// At most `count` classes, each a multiple of `step`, the least first, of which no other so many round away less.
/// @pre count and step are not 0
std::vector<std::uint64_t> best_classes(std::span<const sized_blocks> sizes, std::size_t count, std::uint64_t step);

/// At most `count` classes to stand beside the usual ones (the least first), so that they together round away least; of those that
/// save less than `least` bytes, none. @pre step is not 0
std::vector<std::uint64_t> classes_beside(std::span<const sized_blocks> sizes, std::span<const std::uint64_t> usual, std::size_t count,
                                          std::uint64_t step, std::uint64_t least);

/// What the classes, the least first, add to the bytes asked for. Sizes above the last are not counted.
std::uint64_t rounded_away(std::span<const sized_blocks> sizes, std::span<const std::uint64_t> classes);

}  // namespace ashlar
