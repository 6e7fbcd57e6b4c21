// ashlar/strategy/next_fit.hpp - like first fit, but go on from where the last search ended.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5, exercise 6 (the roving pointer);
//             Bays, "A comparison of next-fit, first-fit, and best-fit", CACM 20(3), 1977.
// Picture:    addresses ->   [free 64] [free 256] v [free 16] [free 128]     96 wanted: the fourth
//                                      rover here ^ then from the start again
// Complexity: as first_fit, twice where the search comes round.
// Failure:    finds nothing exactly when no free block fits.
// Threads:    one at a time.
// Invariants: next_fit.I1  the rover is an address, never a block: a block that goes cannot leave it dangling
// Checked by: tests/strategy/next_fit_test.cpp
//
// It spreads small blocks over the whole heap and therefore fragments more than its neighbours (Wilson et al.,
// 1995); it is here to be compared with.
#pragma once

#include "ashlar/strategy/first_fit.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take.
class next_fit {
public:
    using node = first_fit::node;

    void insert(node& b, std::size_t size) noexcept { free_.insert(b, size); }
    void erase(node& b, std::size_t size) noexcept { free_.erase(b, size); }
    void move(node& b, std::byte* to, std::size_t size) noexcept { free_.move(b, to, size); }
    void clear() noexcept {
        free_.clear();
        rover_ = nullptr;
    }
    /// The search took b: the next one begins here, at what will be left of it.
    void taken(const node& b) noexcept { rover_ = b.begin(); }
    static constexpr std::size_t node_size(std::size_t size) noexcept { return first_fit::node_size(size); }

    node* find(const fit_request& wanted) const noexcept {
        node* const ahead = free_.find_from(rover_, wanted);
        return ahead != nullptr || rover_ == nullptr ? ahead : free_.find(wanted);
    }

    bool consistent() const noexcept { return free_.consistent(); }
    template <class Visit>
    void for_each(Visit visit) const { free_.for_each(visit); }

private:
    first_fit free_;
    const std::byte* rover_ = nullptr;  // next_fit.I1
};

}  // namespace ashlar
