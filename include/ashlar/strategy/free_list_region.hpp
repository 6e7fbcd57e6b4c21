// ashlar/strategy/free_list_region.hpp - a stretch of upstream memory that a free_list cuts into blocks.
//
// Layer:      strategy
// Picture:    begin [ left right | size | asked | align | first tag ... blocks ... | end tag ] begin + size
//                     0          16     24      32      40
// Complexity: O(1) beside the upstream's own work.
// Failure:    obtain gives null when the upstream refuses both the usual size and the least that would do.
// Threads:    one at a time.
// Invariants: free_list_region.I1  the first payload is a multiple of 16, the end tag is the last word
//             free_list_region.I2  a region of at least minimum(wanted) bytes at its alignment, wholly free, fits it
// Checked by: tests/strategy/free_list_test.cpp, tests/strategy/free_list_region_test.cpp
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/strategy/boundary_tag.hpp"

namespace ashlar {

/// The header at the beginning of the region.
struct free_list_region : tree_links {
    std::size_t size;   ///< what is used of the grant: a multiple of 16
    std::size_t asked;  ///< what the upstream was asked for
    std::size_t align;  ///< and with which alignment

    static constexpr std::size_t first_tag = 40;
    static constexpr std::size_t overhead = first_tag + tagged_block::tag_size;  // and the end tag

    struct by_address {
        static bool before(const free_list_region& a, const free_list_region& b) noexcept { return &a < &b; }
    };
    using tree = intrusive_tree<free_list_region, by_address>;

    /// What to ask the upstream for, so that the request fits: at least `usual` bytes.
    static result<layout> layout_for(const fit_request& wanted, std::size_t usual) noexcept {
        // free_list_region.I2: a region begins at a multiple of the alignment, so the gap in front of the run is known beforehand.
        const std::size_t before_run = first_tag + tagged_block::tag_size;
        const std::size_t nearest = padding_to(before_run, wanted.align);
        const std::size_t gap = nearest == 0 || nearest >= wanted.least ? nearest : nearest + wanted.align;
        const std::size_t minimum = overhead + gap + wanted.need;  // size + align <= 2^63 (layout.I2): no wrap
        return layout::make(minimum > usual ? minimum : usual, wanted.align);
    }

    /// A region of the usual size, or of the least size that will do; null if both are refused.
    template <allocator Upstream>
    static free_list_region* obtain(Upstream& upstream, const fit_request& wanted, std::size_t usual) noexcept {
        const auto more = layout_for(wanted, usual), least = layout_for(wanted, 0);
        if (more) {
            if (const auto granted = upstream.allocate(*more)) return build(*granted, *more);
        }
        if (!least || more == least) return nullptr;
        const auto granted = upstream.allocate(*least);
        return granted ? build(*granted, *least) : nullptr;
    }
    template <allocator Upstream>
    void give_back(Upstream& upstream) noexcept {
        upstream.deallocate(begin(), *layout::make(asked, align));
    }

    static free_list_region& of(tagged_block& first) noexcept {
        return *reinterpret_cast<free_list_region*>(first.begin() - first_tag);
    }
    std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
    const std::byte* begin() const noexcept { return reinterpret_cast<const std::byte*>(this); }
    std::byte* end() noexcept { return begin() + size; }
    const std::byte* end() const noexcept { return begin() + size; }
    tagged_block& first_block() noexcept { return *reinterpret_cast<tagged_block*>(begin() + first_tag); }

private:
    static free_list_region* build(block granted, layout asked) noexcept {
        auto* const made = ::new (granted.data) free_list_region;
        made->size = align_down(granted.size, tagged_block::grain);
        made->asked = asked.size();
        made->align = asked.align();
        const std::size_t blocks = made->size - overhead;
        ::new (granted.data + first_tag) tagged_block(blocks | tagged_block::first);
        ::new (granted.data + first_tag + blocks) tagged_block(0);
        return made;
    }
};

static_assert(sizeof(free_list_region) == free_list_region::first_tag);
static_assert((free_list_region::first_tag + tagged_block::tag_size) % tagged_block::grain == 0);  // free_list_region.I1

}  // namespace ashlar
