// ashlar/strategy/best_fit.hpp - take the shortest free block that fits.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5; Wilson, Johnstone, Neely, Boles,
//             "Dynamic storage allocation: a survey and critical review", IWMM 1995, section 3.4.
// Picture:    sizes ->   [16] [64 low address] [64 high address] [256]     60 wanted: the second
// Complexity: find, insert, erase O(log n) in the number of free blocks; at an alignment above 16 find is
//             O(k log n), k being the free blocks passed that are long enough but hold no aligned run.
// Failure:    finds nothing exactly when no free block fits.
// Threads:    one at a time.
// Invariants: best_fit.I1  the tree is in order of size, then address
// Checked by: tests/strategy/best_fit_test.cpp
#pragma once

#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/strategy/boundary_tag.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take.
class best_fit {
public:
    struct node : tagged_block, tree_links {
        using tagged_block::tagged_block;
    };

    void insert(node& b) noexcept { free_.insert(b); }
    void erase(node& b) noexcept { free_.erase(b); }
    void clear() noexcept { free_.clear(); }
    /// The search took b: nothing to remember.
    void taken(const node&) noexcept {}

    node* find(const fit_request& wanted) const noexcept {
        node* at = free_.lower_bound([&](const node& b) { return b.size() < wanted.need; });
        while (at != nullptr && !wanted.fits(*at)) at = free_.next(*at);
        return at;
    }

    bool consistent() const noexcept { return free_.consistent(); }  // best_fit.I1
    template <class Visit>
    void for_each(Visit visit) const { free_.for_each(visit); }

private:
    struct by_size {
        static bool before(const node& a, const node& b) noexcept {
            return a.size() != b.size() ? a.size() < b.size() : &a < &b;
        }
    };
    intrusive_tree<node, by_size> free_;
};

}  // namespace ashlar
