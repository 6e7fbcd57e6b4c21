// ashlar/compose/block_cache.hpp - freed blocks kept by size class, newest first, up to a depth.
//
// Layer:      compose
// Source:     the magazine's idea of Bonwick and Adams, "Magazines and Vmem", USENIX 2001, without depots.
// Picture:    class 64: block -> block -> block      the link lies in the block itself
// Complexity: O(1); nothing is stored beside a head and a count for each class.
// Failure:    take finds nothing; put finds no room.
// Threads:    one at a time.
// Invariants: block_cache.I1  the blocks of a class have the class's size, and their number is at most the depth
// Checked by: tests/compose/block_cache_test.cpp
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/size_class.hpp"

namespace ashlar {

/// Depth blocks a class at most, of sizes up to Largest.
template <std::size_t Depth, std::size_t Largest>
class block_cache {
    static_assert(Depth > 0 && Largest > 0 && Largest <= size_class_max);

public:
    static constexpr std::size_t depth = Depth;

    /// What the upstream is asked for in place of l: the class of a size that is kept, aligned to the step of classes;
    /// a layout that fits the block leads to the same.
    static constexpr layout asked(layout l) noexcept {
        if (l.align() > size_class_step) return l;
        const std::size_t size = l.size() <= Largest ? size_of_class(class_of_size(l.size())) : l.size();
        return layout::make(size, size_class_step).value_or(l);  // a size at PTRDIFF_MAX: as it was
    }
    static constexpr bool keeps(layout l) noexcept { return l.size() <= Largest && l.align() <= size_class_step; }

    /// @returns a block of the class of l.size(), or null
    std::byte* take(layout l) noexcept {
        list& of = lists_[class_of_size(l.size())];
        if (of.head == nullptr) return nullptr;
        link* const taken = of.head;
        unpoison(taken, size_of_class(class_of_size(l.size())));
        of.head = taken->next;
        --of.count;
        return reinterpret_cast<std::byte*>(taken);
    }
    /// @returns false if the class holds as many as it may; the block is then not kept
    bool put(std::byte* p, layout l) noexcept {
        const std::size_t c = class_of_size(l.size());
        list& of = lists_[c];
        if (of.count == Depth) return false;  // block_cache.I1
        of.head = ::new (p) link{of.head};
        ++of.count;
        poison(p, size_of_class(c));
        return true;
    }
    /// Takes every block out: give_back(p, layout as the upstream granted it).
    template <class GiveBack>
    void flush(GiveBack give_back) noexcept {
        for (std::size_t c = 0; c < classes; ++c) {
            const layout l = *layout::make(size_of_class(c), size_class_step);
            while (std::byte* const p = take(l)) give_back(p, l);
        }
    }
    /// Forgets every block without giving it back: the upstream has been reset.
    void forget() noexcept {
        flush([](std::byte*, layout) {});  // one by one, so that none stays poisoned
    }
    bool empty() const noexcept {
        for (const list& of : lists_) {
            if (of.head != nullptr) return false;
        }
        return true;
    }

private:
    struct link {
        link* next;
    };
    struct list {
        link* head = nullptr;
        std::size_t count = 0;
    };
    static constexpr std::size_t classes = class_of_size(Largest) + 1;

    list lists_[classes];
};

}  // namespace ashlar
