// Two packings: first fit at the lowest address in order of time, and, for few blocks, greedy by size.
#include "ashlar/observe/offline_packing.hpp"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"

namespace ashlar {
namespace {

struct rectangle {
    std::uint64_t size = 0;
    std::uint64_t align = 0;
    std::uint64_t begin = 0;  ///< the step that grants it
    std::uint64_t end = 0;    ///< the step that ends it
    std::uint64_t at = 0;
};

struct gap : tree_links {
    std::uint64_t at = 0;
    std::uint64_t size = 0;
    std::uint64_t longest = 0;  ///< in its subtree

    std::uint64_t end() const noexcept { return at + size; }
};
struct by_address {
    static bool before(const gap& a, const gap& b) noexcept { return a.at < b.at; }
};
struct keep_longest {
    static bool summarize(gap& g, const gap* left, const gap* right) noexcept {
        std::uint64_t longest = g.size;
        if (left != nullptr) longest = std::max(longest, left->longest);
        if (right != nullptr) longest = std::max(longest, right->longest);
        return std::exchange(g.longest, longest) != longest;
    }
};

/// Address space without a limit, in which blocks take the lowest place.
class pile {
public:
    std::uint64_t height() const noexcept { return height_; }

    std::uint64_t place(std::uint64_t size, std::uint64_t align) {
        if (gap* found = find(size, align)) return place_in(*found, size, align);
        const std::uint64_t at = align_up(top_, align);
        if (at > top_) add(top_, at - top_);
        top_ = at + size;
        height_ = std::max(height_, top_);
        return at;
    }

    void release(std::uint64_t at, std::uint64_t size) {
        // The first gap that ends at the block or behind its begin: the one before it or the one behind it (offline_packing.I2).
        gap* near = gaps_.lower_bound([at](const gap& g) { return g.end() < at; });
        gap* const before = near != nullptr && near->end() == at ? near : nullptr;
        if (before != nullptr) near = gaps_.next(*before);
        if (before != nullptr) at = before->at, size += before->size, remove(*before);
        if (near != nullptr && near->at == at + size) size += near->size, remove(*near);
        if (at + size == top_) top_ = at;
        else add(at, size);
    }

private:
    using tree = intrusive_tree<gap, by_address, keep_longest>;

    static bool fits(const gap& g, std::uint64_t size, std::uint64_t align) noexcept {
        const std::uint64_t pad = align_up(g.at, align) - g.at;
        return pad <= g.size && size <= g.size - pad;
    }
    /// The lowest gap that is long enough for a block anywhere in it, or, of the first few that are long, one that is aligned.
    gap* find(std::uint64_t size, std::uint64_t align) const noexcept {
        gap* found = first_from(0, size);
        for (int tries = 0; found != nullptr && !fits(*found, size, align); ++tries) {
            // The lowest place is not needed for a bound; searching all of them could take a time without one.
            found = tries < 32 ? first_from(found->at + 1, size) : first_from(found->at + 1, size + align - packing_granule);
        }
        return found;
    }
    static bool has(const gap* subtree, std::uint64_t size) noexcept { return subtree != nullptr && subtree->longest >= size; }
    gap* first_from(std::uint64_t from, std::uint64_t size) const noexcept {
        gap* last = nullptr;
        for (gap* g = gaps_.root(); has(g, size);) {
            if (g->at < from) {
                g = tree::right_of(*g);
            } else {
                if (g->size >= size || has(tree::right_of(*g), size)) last = g;
                g = tree::left_of(*g);
            }
        }
        if (last == nullptr || last->size >= size) return last;
        for (gap* g = tree::right_of(*last);;) {
            if (has(tree::left_of(*g), size)) g = tree::left_of(*g);
            else if (g->size >= size) return g;
            else g = tree::right_of(*g);
        }
    }

    std::uint64_t place_in(gap& g, std::uint64_t size, std::uint64_t align) {
        const std::uint64_t at = align_up(g.at, align);
        const std::uint64_t begin = g.at;
        const std::uint64_t end = g.end();
        ASHLAR_INVARIANT(at + size <= end && end < top_);  // offline_packing.I2
        remove(g);
        if (at > begin) add(begin, at - begin);
        if (end > at + size) add(at + size, end - at - size);
        return at;
    }

    void add(std::uint64_t at, std::uint64_t size) {
        if (spare_.empty()) spare_.push_back(&store_.emplace_back());
        gap& g = *spare_.back();
        spare_.pop_back();
        g.at = at;
        g.size = size;
        gaps_.insert(g);
    }
    void remove(gap& g) {
        gaps_.erase(g);
        spare_.push_back(&g);
    }

    tree gaps_;
    std::deque<gap> store_;
    std::vector<gap*> spare_;
    std::uint64_t top_ = 0;
    std::uint64_t height_ = 0;
};

/// The largest first, each at the lowest address that is free through all of its life.
std::uint64_t greedy_by_size(std::vector<rectangle> blocks) {
    std::sort(blocks.begin(), blocks.end(), [](const rectangle& a, const rectangle& b) {
        if (a.size != b.size) return a.size > b.size;
        if (a.end - a.begin != b.end - b.begin) return a.end - a.begin > b.end - b.begin;
        return a.begin < b.begin;  // of no two alike: each step grants one block
    });
    std::vector<rectangle> placed;  // by address
    std::uint64_t height = 0;
    for (rectangle block : blocks) {
        for (const rectangle& other : placed) {
            if (other.begin >= block.end || block.begin >= other.end) continue;
            if (other.at >= block.at + block.size) break;
            block.at = std::max(block.at, align_up(other.at + other.size, block.align));
        }
        height = std::max(height, block.at + block.size);
        placed.insert(std::upper_bound(placed.begin(), placed.end(), block, [](const auto& a, const auto& b) { return a.at < b.at; }), block);
    }
    return height;
}

}  // namespace

packing_bounds pack_offline(std::span<const replay_step> steps, std::uint64_t slots) {
    std::vector<rectangle> live(slots);
    std::vector<rectangle> lives;  // of the first blocks
    packing_bounds bounds;
    pile in_time;
    std::uint64_t now_live = 0;
    const auto finish = [&](rectangle& block, std::uint64_t step) {
        if (block.size == 0) return;
        block.end = step;
        in_time.release(block.at, block.size);
        now_live -= block.size;
        if (lives.size() <= by_size_limit) lives.push_back(block);
        block.size = 0;
    };
    for (std::uint64_t i = 0; i < steps.size(); ++i) {
        rectangle& block = live[steps[i].slot];
        finish(block, i);
        if (steps[i].op == replay_op::deallocate) continue;
        const std::uint64_t align = std::max(steps[i].alignment(), packing_granule);
        block = {align_up(steps[i].size, packing_granule), align, i, 0, 0};
        block.at = in_time.place(block.size, align);
        now_live += block.size;
        bounds.least = std::max(bounds.least, now_live);
    }
    bounds.reached = in_time.height();
    for (auto& block : live) finish(block, steps.size());
    if (lives.size() > by_size_limit) return bounds;
    for (auto& block : lives) block.at = 0;
    const std::uint64_t packed = greedy_by_size(std::move(lives));
    if (packed < bounds.reached) bounds.reached = packed, bounds.by_size = true;
    ASHLAR_INVARIANT(bounds.least <= bounds.reached);  // offline_packing.I1
    return bounds;
}

}  // namespace ashlar
