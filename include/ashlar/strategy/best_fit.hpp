// ashlar/strategy/best_fit.hpp - take the shortest free block that fits.
//
// Layer:      strategy
// Source:     Wilson, Johnstone, Neely, Boles, "Dynamic storage allocation: a survey and critical review", IWMM 1995,
//             section 3.4; Lea, "A memory allocator", 1996 (a bin for each small size, a tree for the others).
// Picture:    below 16 KiB   [16: b b] [32: ] [48: b] ... [16368: ]    a list a size, a bit that it is not empty
//             others        tree by size, then address; one of them, the top, stands beside it
// Complexity: O(1) below 16 KiB and where the top is taken or put; else O(log n) in the number of free blocks of 16 KiB
//             and more. At an alignment above 16 O(k), k being the free blocks passed that hold no aligned run.
//             Instructions of free_list by callgrind, in strategy/README.md: 183 allocate, 229 deallocate.
// Failure:    finds nothing exactly when no free block fits.
// Threads:    one at a time.
// Invariants: best_fit.I1  a free block of less than 16 KiB is in the list of its size
//             best_fit.I2  every other one is in the tree, or the top
// Checked by: tests/strategy/best_fit_test.cpp
//
// Of several of the shortest size it takes: in a list the one freed last; in the tree the lowest; the top only when the
// tree has none as short. The top is what a heap grows into: it is cut again and again without touching the tree.
#pragma once

#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/strategy/free_bins.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// A policy of free_list: which free block to take.
class best_fit {
public:
    using node = free_block;

    void insert(node& b, std::size_t size) noexcept {
        if (size < large_size) return bins_.push(bin(size), b);  // best_fit.I1
        insert_large(*::new (&b) large(size));
    }
    void erase(node& b, std::size_t size) noexcept {
        if (size < large_size) return bins_.remove(bin(size), b);
        if (&b == top_) {
            top_ = nullptr;
        } else {
            tree_.erase(static_cast<large&>(b));
        }
    }
    void clear() noexcept {
        bins_.clear();
        tree_.clear();
        top_ = nullptr;
    }
    /// The search took b: nothing to remember.
    void taken(const node&) noexcept {}
    /// How much of a free block of that size is the policy's.
    static constexpr std::size_t node_size(std::size_t size) noexcept {
        return size < large_size ? sizeof(node) : sizeof(large);
    }

    node* find(const fit_request& wanted) const noexcept {
        if (!wanted.is_aligned_anywhere()) return find_aligned(wanted);
        if (wanted.need < large_size) {
            const std::size_t shortest = bins_.first_from(bin(wanted.need));
            if (shortest < bins) return bins_.head(shortest);
        }
        return find_large(wanted.need);
    }

    bool consistent() const noexcept {
        bool good = bins_.consistent() && tree_.consistent() && (top_ == nullptr || top_->size() >= large_size);
        bins_.for_each([&](std::size_t in, const node& b) { good = good && bin(b.size()) == in; });  // best_fit.I1
        tree_.for_each([&](const large& b) { good = good && b.size() >= large_size && &b != top_; });  // best_fit.I2
        return good;
    }
    template <class Visit>
    void for_each(Visit visit) const {
        bins_.for_each([&](std::size_t, node& b) { visit(b); });
        tree_.for_each([&](large& b) { visit(b); });
        if (top_ != nullptr) visit(*top_);
    }

private:
    struct large : free_block, tree_links {
        using free_block::free_block;
    };
    struct by_size {
        static bool before(const large& a, const large& b) noexcept {
            return a.size() != b.size() ? a.size() < b.size() : &a < &b;
        }
    };
    static constexpr std::size_t large_size = 16 * 1024;
    static constexpr std::size_t bins = large_size / free_block::grain;
    static constexpr std::size_t bin(std::size_t size) noexcept { return size / free_block::grain; }

    /// The longer of the two is the top.
    void insert_large(large& b) noexcept {
        if (top_ == nullptr) {
            top_ = &b;
        } else if (b.size() > top_->size()) {
            tree_.insert(*top_);
            top_ = &b;
        } else {
            tree_.insert(b);
        }
    }
    node* find_large(std::size_t need) const noexcept {
        large* const shortest = tree_.lower_bound([=](const large& b) { return b.size() < need; });
        const bool top_fits = top_ != nullptr && top_->size() >= need;
        return !top_fits || (shortest != nullptr && shortest->size() <= top_->size()) ? shortest : top_;
    }
    /// One after the other in order of size, from the first that is long enough.
    __attribute__((noinline)) node* find_aligned(const fit_request& wanted) const noexcept {
        if (wanted.need < large_size) {
            std::size_t from = bins_.first_from(bin(wanted.need));
            for (; from < bins; from = bins_.first_from(from + 1)) {
                for (node* b = bins_.head(from); b != nullptr; b = b->next.get()) {
                    if (wanted.fits(*b)) return b;
                }
                if (from + 1 == bins) break;
            }
        }
        large* at = tree_.lower_bound([&](const large& b) { return b.size() < wanted.need; });
        while (at != nullptr && !wanted.fits(*at)) at = tree_.next(*at);
        const bool top_fits = top_ != nullptr && wanted.fits(*top_);
        return !top_fits || (at != nullptr && at->size() <= top_->size()) ? at : top_;
    }

    free_bins<bins> bins_;
    intrusive_tree<large, by_size> tree_;
    large* top_ = nullptr;
};

}  // namespace ashlar
