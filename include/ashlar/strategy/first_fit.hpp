// ashlar/strategy/first_fit.hpp - take the free block at the lowest address that fits.
//
// Layer:      strategy
// Source:     Wilson, Johnstone, Neely, Boles, "Dynamic storage allocation: a survey and critical review",
//             IWMM 1995, section 3.4 (address-ordered first fit); Stephenson, "Fast fits", SOSP 1983 (the tree).
// Picture:    addresses ->   [free 64] [free 16] [free 256] [free 64]     96 wanted: the third
// Complexity: find, insert, erase, move O(log n) in the number of free blocks; at an alignment above 16 find is
//             O(k log n), k being the free blocks passed that are long enough but hold no aligned run.
// Failure:    finds nothing exactly when no free block fits.
// Threads:    one at a time.
// Invariants: first_fit.I1  the tree is in order of address, and every node knows the longest of its subtree
// Checked by: tests/strategy/first_fit_test.cpp
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take.
class first_fit {
public:
    struct node : free_block, tree_links {
        using free_block::free_block;
        std::size_t longest = 0;
    };

    void insert(node& b, std::size_t) noexcept { free_.insert(b); }
    void erase(node& b, std::size_t) noexcept { free_.erase(b); }
    /// The block b becomes one of that size at `to`, with no other free block between: it keeps its place in the tree.
    void move(node& b, std::byte* to, std::size_t size) noexcept {
        free_.replace(b, [=]() noexcept -> node& { return *::new (to) node(size); });
    }
    void clear() noexcept { free_.clear(); }
    /// The search took b: nothing to remember.
    void taken(const node&) noexcept {}
    /// How much of a free block of that size is the policy's.
    static constexpr std::size_t node_size(std::size_t) noexcept { return sizeof(node); }

    node* find(const fit_request& wanted) const noexcept {
        if (wanted.is_aligned_anywhere()) [[likely]] return first_of(free_.root(), wanted.need);
        return find_from(nullptr, wanted);
    }
    /// The lowest that fits and does not begin before `from`.
    node* find_from(const std::byte* from, const fit_request& wanted) const noexcept {
        node* found = first_from(from, wanted.need);
        while (found != nullptr && !wanted.fits(*found)) found = first_from(found->begin() + 1, wanted.need);
        return found;
    }

    /// @returns whether first_fit.I1 holds
    bool consistent() const noexcept { return free_.consistent() && longest_right(free_.root()); }
    template <class Visit>
    void for_each(Visit visit) const { free_.for_each(visit); }

private:
    struct by_address {
        static bool before(const node& a, const node& b) noexcept { return &a < &b; }
    };
    struct keep_longest {
        static bool summarize(node& b, const node* left, const node* right) noexcept {
            const std::size_t before = std::exchange(b.longest, longest_of(b, left, right));
            return b.longest != before;
        }
    };
    using tree = intrusive_tree<node, by_address, keep_longest>;

    static std::size_t longest_of(const node& b, const node* left, const node* right) noexcept {
        std::size_t longest = b.size();
        if (left != nullptr && left->longest > longest) longest = left->longest;
        if (right != nullptr && right->longest > longest) longest = right->longest;
        return longest;
    }
    static bool has(const node* subtree, std::size_t need) noexcept { return subtree != nullptr && subtree->longest >= need; }
    /// The first of a subtree that is long enough.
    static node* first_of(node* at, std::size_t need) noexcept {
        if (!has(at, need)) return nullptr;
        for (;;) {
            node* const before = tree::left_of(*at);
            if (has(before, need)) {
                at = before;
            } else if (at->size() >= need) {
                return at;
            } else {
                at = tree::right_of(*at);  // first_fit.I1: there, if not before
            }
        }
    }
    /// The same of those that do not begin before `from`.
    node* first_from(const std::byte* from, std::size_t need) const noexcept {
        node* last = nullptr;  // of those on the way that come behind `from`, and have one themselves or behind them
        for (node* at = free_.root(); has(at, need);) {
            if (at->begin() < from) {
                at = tree::right_of(*at);
            } else {
                if (at->size() >= need || has(tree::right_of(*at), need)) last = at;
                at = tree::left_of(*at);
            }
        }
        return last == nullptr || last->size() >= need ? last : first_of(tree::right_of(*last), need);
    }
    static bool longest_right(const node* at) noexcept {
        if (at == nullptr) return true;
        const node* const left = tree::left_of(*at);
        const node* const right = tree::right_of(*at);
        return at->longest == longest_of(*at, left, right) && longest_right(left) && longest_right(right);
    }

    tree free_;
};

}  // namespace ashlar
