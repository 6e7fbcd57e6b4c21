// ashlar/foundation/intrusive_tree.hpp - a balanced search tree whose links lie in its elements.
//
// Layer:      foundation
// Source:     Adelson-Velsky, Landis, "An algorithm for the organization of information", 1962 (balance);
//             Cormen et al., "Introduction to Algorithms", 3rd edition, section 14.2 (summaries of subtrees).
// Picture:    each element: [ left | low bits of height ][ right | high bits of height ]   two words
// Complexity: insert, erase, lower_bound O(log n): height <= 1.44 log2(n + 2); never allocates.
// Failure:    none.
// Threads:    one at a time.
// Invariants: intrusive_tree.I1  elements in order: left < own < right
//             intrusive_tree.I2  the heights of two siblings differ by at most one
//             intrusive_tree.I3  an element's summary is that of its subtree
// Checked by: tests/foundation/intrusive_tree_test.cpp
//
// An element derives from tree_links, whose two words are all it costs: three low bits of each hold half of the
// height, which 8-byte alignment leaves free. There is no link to the parent; the path is kept on the stack.
// `Order` is a strict total order: static bool before(const T&, const T&). `Summary`, where given, keeps in
// every element something about its subtree: static bool summarize(T& element, const T* left, const T* right) returns
// whether that has changed. Repairs end where neither height nor summary does.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/contract.hpp"

namespace ashlar {

class tree_links {
    template <class T, class Order, class Summary>
    friend class intrusive_tree;
    static constexpr std::uintptr_t bits = 7;
    std::uintptr_t left_ = 0;
    std::uintptr_t right_ = 0;
};

/// For trees whose elements know nothing about their subtrees.
struct no_summary {
    template <class T>
    static bool summarize(T&, const T*, const T*) noexcept { return false; }
};

template <class T, class Order, class Summary = no_summary>
class intrusive_tree {
public:
    intrusive_tree() noexcept = default;
    intrusive_tree(const intrusive_tree&) = delete;  // an element is in one tree
    intrusive_tree& operator=(const intrusive_tree&) = delete;

    /// @pre the element is in no tree, and equal to no element of this one
    void insert(T& element) noexcept {
        static_assert(std::derived_from<T, tree_links> && alignof(T) > tree_links::bits);
        path way;
        for (T* at = root_; at != nullptr;) {
            const bool left = Order::before(element, *at);
            ASHLAR_INVARIANT(left || Order::before(*at, element));
            way.push(at, left);
            at = left ? left_of(*at) : right_of(*at);
        }
        set_links(element, nullptr, nullptr);
        repair(way, &element);
    }

    /// Another element, which make() builds, takes the place of this one, whose memory it may use.
    /// @pre the element is in this tree, and each other one is on the same side of both
    template <class Make>
    void replace(T& element, Make make) noexcept {
        path way;
        find_way(way, element);
        const tree_links kept = links(element);
        T& made = make();
        links(made) = kept;
        if (way.depth == 0) {
            root_ = &made;
        } else {
            tree_links& above = links(*way.nodes[way.depth - 1]);
            auto& link = way.went_left(way.depth - 1) ? above.left_ : above.right_;
            link = reinterpret_cast<std::uintptr_t>(&made) | (link & tree_links::bits);
        }
        T* at = &made;  // the heights are as they were
        while (Summary::summarize(*at, left_of(*at), right_of(*at)) && way.depth != 0) at = way.nodes[--way.depth];
    }

    /// @pre the element is in this tree
    void erase(T& element) noexcept {
        path way;
        find_way(way, element);
        T* const left = left_of(element);
        T* const right = right_of(element);
        if (left == nullptr || right == nullptr) return repair(way, left != nullptr ? left : right);
        // The successor takes its place: cut it out of the right subtree, then put it where the element was.
        const std::size_t place = way.through = way.depth;
        way.push(&element, false);
        T* successor = right;
        for (; left_of(*successor) != nullptr; successor = left_of(*successor)) way.push(successor, true);
        T* const orphan = right_of(*successor);
        set_links(*successor, left, successor == right ? orphan : right);
        way.nodes[place] = successor;
        repair(way, orphan);
    }

    bool empty() const noexcept { return root_ == nullptr; }
    /// Forgets every element without touching it: for elements whose memory is gone.
    void clear() noexcept { root_ = nullptr; }
    T* root() const noexcept { return root_; }
    /// The elements before and behind x in its subtree; null for none. For searches guided by a summary.
    static T* left_of(const T& x) noexcept { return unpack(links(x).left_); }
    static T* right_of(const T& x) noexcept { return unpack(links(x).right_); }

    /// @pre before(x) is true for the first so many elements in order, and false for the others
    /// @returns the first element for which before(x) is false; null for none
    template <class Before>
    T* lower_bound(Before before) const noexcept {
        T* found = nullptr;
        for (T* at = root_; at != nullptr;) {
            if (before(const_cast<const T&>(*at))) {
                at = right_of(*at);
            } else {
                found = at;
                at = left_of(*at);
            }
        }
        return found;
    }
    T* first() const noexcept {
        return lower_bound([](const T&) { return false; });
    }
    /// @returns the element that follows x; null for the last. @pre x is in this tree
    T* next(const T& x) const noexcept {
        return lower_bound([&](const T& other) { return !Order::before(x, other); });
    }
    /// Calls visit(T&) in order. visit may not change the tree.
    template <class Visit>
    void for_each(Visit visit) const { walk(root_, visit); }

    /// @returns whether the invariants I1 and I2 hold
    bool consistent() const noexcept {
        bool good = true;
        const T* last = nullptr;
        for_each([&](const T& x) {
            const int difference = height(left_of(x)) - height(right_of(x));
            // intrusive_tree.I2, then intrusive_tree.I1
            good = good && difference >= -1 && difference <= 1 && (last == nullptr || Order::before(*last, x));
            good = good && height(&x) == 1 + taller(left_of(x), right_of(x));
            last = &x;
        });
        return good;
    }

private:
    static constexpr int most_depth = 63;  // heights are six bits; a tree that high has 10^13 elements

    /// The way from the root down: the elements passed, and whether it went left from each.
    struct path {
        void push(T* node, bool went_left) noexcept {
            nodes[depth] = node;
            left = went_left ? left | std::uint64_t{1} << depth : left & ~(std::uint64_t{1} << depth);
            ++depth;
        }
        bool went_left(std::size_t at) const noexcept { return (left >> at & 1) != 0; }
        T* nodes[most_depth];
        std::uint64_t left = 0;
        std::size_t depth = 0;
        std::size_t through = most_depth;  // no repair ends below this depth
    };

    void find_way(path& way, const T& element) const noexcept {
        for (T* at = root_; at != &element;) {
            ASHLAR_PRE(at != nullptr);
            const bool left = Order::before(element, *at);
            way.push(at, left);
            at = left ? left_of(*at) : right_of(*at);
        }
    }
    static tree_links& links(T& x) noexcept { return x; }
    static const tree_links& links(const T& x) noexcept { return x; }
    static T* unpack(std::uintptr_t packed) noexcept { return reinterpret_cast<T*>(packed & ~tree_links::bits); }
    static int height(const T* x) noexcept {
        if (x == nullptr) return 0;
        return static_cast<int>((links(*x).left_ & tree_links::bits) | (links(*x).right_ & tree_links::bits) << 3);
    }
    static int taller(const T* a, const T* b) noexcept { return height(a) > height(b) ? height(a) : height(b); }

    /// Gives x these subtrees, and the height and summary that follow. @returns whether one of the two changed
    static bool relink(T& x, T* left, T* right) noexcept {
        const auto tall = static_cast<std::uintptr_t>(1 + taller(left, right));
        const bool taller_or_lower = static_cast<int>(tall) != height(&x);
        links(x).left_ = reinterpret_cast<std::uintptr_t>(left) | (tall & tree_links::bits);
        links(x).right_ = reinterpret_cast<std::uintptr_t>(right) | tall >> 3;
        const bool changed = Summary::summarize(x, left, right);
        return changed || taller_or_lower;
    }
    static T* set_links(T& x, T* left, T* right) noexcept {
        relink(x, left, right);
        return &x;
    }

    /// @returns the balanced root of x, left and right, whose heights differ by two
    static T* rotated(T& x, T* left, T* right) noexcept {
        if (height(left) > height(right)) {
            T* const outer = left_of(*left);
            T* const inner = right_of(*left);
            if (height(outer) >= height(inner)) return set_links(*left, outer, set_links(x, inner, right));
            T* const first = set_links(*left, outer, left_of(*inner));
            return set_links(*inner, first, set_links(x, right_of(*inner), right));
        }
        T* const outer = right_of(*right);
        T* const inner = left_of(*right);
        if (height(outer) >= height(inner)) return set_links(*right, set_links(x, left, inner), outer);
        T* const last = set_links(*right, right_of(*inner), outer);
        return set_links(*inner, set_links(x, left, left_of(*inner)), last);
    }

    /// Hangs `subtree` at the end of the way and restores balance, heights and summaries upwards, until nothing
    /// has changed that the element above would see.
    void repair(path& way, T* subtree) noexcept {
        while (way.depth > 0) {
            T& above = *way.nodes[--way.depth];
            const bool from_left = way.went_left(way.depth);
            T* const left = from_left ? subtree : left_of(above);
            T* const right = from_left ? right_of(above) : subtree;
            const int difference = height(left) - height(right);
            bool changed = true;
            if (difference < -1 || difference > 1) {
                subtree = rotated(above, left, right);
            } else {
                changed = relink(above, left, right);
                subtree = &above;
            }
            if (!changed && way.depth <= way.through && linked(way) == subtree) return;
        }
        root_ = subtree;
    }
    /// What hangs at the end of the way now.
    T* linked(const path& way) const noexcept {
        if (way.depth == 0) return root_;
        const T& above = *way.nodes[way.depth - 1];
        return way.went_left(way.depth - 1) ? left_of(above) : right_of(above);
    }

    template <class Visit>
    static void walk(T* at, Visit& visit) {
        if (at == nullptr) return;
        walk(left_of(*at), visit);
        visit(*at);
        walk(right_of(*at), visit);
    }

    T* root_ = nullptr;
};

}  // namespace ashlar
