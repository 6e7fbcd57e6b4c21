// ashlar/strategy/free_list_region.hpp - a stretch of upstream memory that a free_list cuts into blocks.
//
// Layer:      strategy
// Picture:    begin [ left right | asked | align | first | span | border map ][ blocks ................ ] first + span
//                     0          16     24      32      40     48              ^ first
// Complexity: O(1) beside the upstream's own work, and clearing the map unless the upstream has zeroed memory.
//             48 bytes, and 1/64 of the region.
// Failure:    obtain gives null when the upstream refuses both the usual size and the least that would do, or grants
//             what free_block cannot address.
// Threads:    one at a time.
// Invariants: free_list_region.I1  first is a multiple of 16; columns are numbered from 1 there, and the column behind
//                                  the last is a start
//             free_list_region.I2  a region of at least minimum(wanted) bytes at its alignment, wholly free, fits it
// Checked by: tests/strategy/free_list_region_test.cpp, tests/strategy/free_list_test.cpp
#pragma once

#include <cstddef>
#include <cstring>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/strategy/border_map.hpp"
#include "ashlar/strategy/free_block.hpp"

namespace ashlar {

/// The header at the beginning of the region; its border map follows.
struct free_list_region : tree_links {
    std::size_t asked = 0;       ///< what the upstream was asked for
    std::size_t align = 0;       ///< and with which alignment
    std::byte* first = nullptr;  ///< the first block
    std::size_t span = 0;        ///< bytes of all blocks

    static constexpr std::size_t grain = free_block::grain;

    /// The region of those in which p lies in a block knows its column, and the map what begins there.
    std::size_t column(const std::byte* p) const noexcept {
        return static_cast<std::size_t>(p - first) / grain + 1;  // free_list_region.I1
    }
    std::byte* at(std::size_t column) const noexcept { return first + (column - 1) * grain; }
    border_map borders() noexcept { return border_map(groups()); }
    bool holds(const std::byte* p) const noexcept {
        return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(first) < span;
    }

    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    const std::byte* begin() const noexcept { return reinterpret_cast<const std::byte*>(this); }
    const std::byte* end() const noexcept { return first + span; }
    /// What is used of the grant.
    std::size_t size() const noexcept { return static_cast<std::size_t>(end() - begin()); }
    std::size_t columns() const noexcept { return span / grain; }

    /// Calls visit(block, is_free) for each block, in order of address.
    template <class Visit>
    void for_each_block(Visit visit) {
        const border_map map = borders();
        for (std::size_t from = 1, next; from <= columns(); from = next) {
            next = map.next_start(from + 1);
            visit(block{at(from), (next - from) * grain}, map.is_free(from));
        }
    }

    /// What to ask the upstream for, so that the request fits: at least `usual` bytes.
    static result<layout> layout_for(const fit_request& wanted, std::size_t usual) noexcept;

    /// A region of the usual size, or of the least size that will do; null if both are refused. The upstream's
    /// memory is its header and map; the blocks are the caller's to make.
    template <allocator Upstream>
    static free_list_region* obtain(Upstream& upstream, const fit_request& wanted, std::size_t usual) noexcept {
        const auto more = layout_for(wanted, usual), least = layout_for(wanted, 0);
        if (more) {
            if (auto* const made = ask(upstream, *more)) return made;
        }
        return !least || more == least ? nullptr : ask(upstream, *least);
    }
    template <allocator Upstream>
    void give_back(Upstream& upstream) noexcept { upstream.deallocate(begin(), *layout::make(asked, align)); }

private:
    border_map::group* groups() noexcept { return std::launder(reinterpret_cast<border_map::group*>(this + 1)); }

    template <allocator Upstream>
    static free_list_region* ask(Upstream& upstream, layout l) noexcept {
        constexpr bool zeroed = zeroing<Upstream>;
        const auto granted = [&]() noexcept -> result<block> {
            if constexpr (zeroed) return upstream.allocate_zeroed(l);
            else return upstream.allocate(l);
        }();
        if (!granted) return nullptr;
        const auto last = reinterpret_cast<std::uintptr_t>(granted->data) + granted->size;
        if (last <= free_block::most_address && granted->size <= free_block::most_size) return build(*granted, l, zeroed);
        upstream.deallocate(granted->data, l);
        return nullptr;
    }
    static free_list_region* build(block granted, layout l, bool zeroed) noexcept;
};
static_assert(sizeof(free_list_region) == 48);

inline result<layout> free_list_region::layout_for(const fit_request& wanted, std::size_t usual) noexcept {
    // free_list_region.I2: wherever the first block begins, the gap in front of the run is below align + least.
    const std::size_t gap = wanted.is_aligned_anywhere() ? 0 : wanted.align + wanted.least;
    const std::size_t columns = gap / grain + wanted.need / grain;  // need + align <= 2^63 (layout.I2): no wrap
    const std::size_t groups = border_map::groups_for(columns + 2);
    const std::size_t minimum = sizeof(free_list_region) + groups * sizeof(border_map::group) + columns * grain;
    return layout::make(minimum > usual ? minimum : usual, wanted.align);
}

inline free_list_region* free_list_region::build(block granted, layout l, bool zeroed) noexcept {
    // Of u units behind the header g hold the map: with u - g columns and one more at either end, 64 g >= u - g + 2.
    const std::size_t units = (granted.size - sizeof(free_list_region)) / grain;
    const std::size_t groups = (units + 2 + border_map::columns_a_group) / (border_map::columns_a_group + 1);
    auto* const made = ::new (granted.data) free_list_region;
    made->asked = l.size();
    made->align = l.align();
    made->first = granted.data + sizeof(free_list_region) + groups * sizeof(border_map::group);
    made->span = (units - groups) * grain;
    if (!zeroed) std::memset(made->groups(), 0, groups * sizeof(border_map::group));
    made->borders().set_start(made->columns() + 1);
    return made;
}

}  // namespace ashlar
