// ashlar/strategy/buddy_region.hpp - a stretch of upstream memory that a buddy allocator halves, or grants whole.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5 (a tag bit a block; here aside).
// Picture:    begin [ payload .................. | links begin payload asked align | free bits | split bits ]
//                     ^ a multiple of align                                          numbered by buddy_math
// Complexity: every function O(1) beside the upstream's own work, but clearing the bits where it does not grant zeros.
// Failure:    obtain gives null when the upstream refuses.
// Threads:    one at a time.
// Invariants: buddy_region.I1  a block's free bit is set if and only if it is free, its split bit if and only if it is
//                              split; neither within a block that is not split
//             buddy_region.I2  one that is halved has 2^top bytes of payload and begins at a multiple of that
// Checked by: tests/strategy/buddy_region_test.cpp, tests/strategy/buddy_test.cpp
//
// What is kept about the payload stands behind it, so that every block is aligned to its own size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/buddy_math.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"

namespace ashlar {

struct buddy_region : tree_links {
    std::byte* begin;
    std::size_t payload;  ///< bytes
    std::size_t asked;    ///< what the upstream was asked for
    std::size_t align;    ///< and with which alignment

    struct by_address {
        static bool before(const buddy_region& a, const buddy_region& b) noexcept { return &a < &b; }
    };
    using tree = intrusive_tree<buddy_region, by_address>;

    /// Regions to halve: 2^top bytes whose least blocks have 2^least bytes.
    struct shape {
        std::size_t top;
        std::size_t least;

        std::size_t size() const noexcept { return std::size_t{1} << top; }
        /// Numbers of blocks are below 2^(top - least + 1), numbers of blocks that can be split below half of that.
        std::size_t free_words() const noexcept { return ((std::size_t{2} << (top - least)) + 63) / 64; }
        std::size_t split_words() const noexcept { return ((std::size_t{1} << (top - least)) + 63) / 64; }
        std::size_t bits_size() const noexcept { return (free_words() + split_words()) * sizeof(std::uint64_t); }
        result<layout> whole() const noexcept {
            return layout::make(size() + sizeof(buddy_region) + bits_size(), size());
        }
    };
    /// What to ask for a region that serves one request whole.
    static result<layout> layout_for(layout l) noexcept {
        const std::size_t payload = align_up(l.size(), grain);  // size <= PTRDIFF_MAX: no wrap
        return layout::make(payload + sizeof(buddy_region), l.align() > grain ? l.align() : grain);
    }

    /// A region to halve, no block of it free or split; null if it is refused.
    template <allocator Upstream>
    static buddy_region* obtain(Upstream& upstream, const shape& s) noexcept {
        const auto l = s.whole();
        if (!l) return nullptr;
        const auto granted = [&] {
            if constexpr (zeroing<Upstream>) return upstream.allocate_zeroed(*l);
            else return upstream.allocate(*l);
        }();
        if (!granted) return nullptr;
        buddy_region* const made = build(granted->data, s.size(), *l);
        if constexpr (!zeroing<Upstream>) std::memset(made->bits(), 0, s.bits_size());
        return made;
    }
    /// A region for one request; null if it is refused.
    template <allocator Upstream>
    static buddy_region* obtain(Upstream& upstream, layout wanted) noexcept {
        const auto l = layout_for(wanted);
        if (!l) return nullptr;
        const auto granted = upstream.allocate(*l);
        if (!granted) return nullptr;
        return build(granted->data, align_down(granted->size - sizeof(buddy_region), grain), *l);
    }
    template <allocator Upstream>
    void give_back(Upstream& upstream) noexcept {
        upstream.deallocate(begin, *layout::make(asked, align));
    }

    /// The region to halve that begins there. @pre there is one
    static buddy_region& at(std::byte* begin, std::size_t size) noexcept {
        return *reinterpret_cast<buddy_region*>(begin + size);
    }
    std::byte* end() const noexcept { return begin + payload; }
    bool holds(const std::byte* p) const noexcept { return p >= begin && p < end(); }

    bool is_free(std::size_t number) const noexcept { return is_set(bits(), number); }
    bool is_split(std::size_t number, const shape& s) const noexcept { return is_set(bits() + s.free_words(), number); }
    void flip_free(std::size_t number) noexcept { flip(bits(), number); }
    void flip_split(std::size_t number, const shape& s) noexcept { flip(bits() + s.free_words(), number); }

private:
    static constexpr std::size_t grain = 16;

    static buddy_region* build(std::byte* begin, std::size_t payload, layout asked) noexcept {
        auto* const made = ::new (begin + payload) buddy_region;
        made->begin = begin;
        made->payload = payload;
        made->asked = asked.size();
        made->align = asked.align();
        return made;
    }
    std::uint64_t* bits() noexcept { return reinterpret_cast<std::uint64_t*>(this + 1); }
    const std::uint64_t* bits() const noexcept { return reinterpret_cast<const std::uint64_t*>(this + 1); }
    static bool is_set(const std::uint64_t* bits, std::size_t at) noexcept {
        return (bits[at / 64] >> at % 64 & 1) != 0;
    }
    static void flip(std::uint64_t* bits, std::size_t at) noexcept { bits[at / 64] ^= std::uint64_t{1} << at % 64; }
};

}  // namespace ashlar
