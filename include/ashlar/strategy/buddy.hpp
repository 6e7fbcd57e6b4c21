// ashlar/strategy/buddy.hpp - halve a power-of-two region until the halves fit; join buddies that are both free.
//
// Layer:      strategy
// Source:     Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, "The Art of Computer Programming",
//             volume 1, section 2.5, algorithms R and S.
// Picture:    order 6  [              split              ]
//             order 5  [     split     ][      free      ]
//             order 4  [ used ][ free  ]
// Complexity: allocate and deallocate O(top - order) halvings or joins; finding the order is one bit scan.
//             No header: a block is 2^order bytes, half of it wasted at worst. Two bits a possible block: 1/32.
// Failure:    refuses exactly when no block of the rounded order or above is free, or the region is refused.
// Threads:    one at a time.
// Invariants: buddy.I1  every byte of the region lies in exactly one block that is free or used
//             buddy.I2  no two buddies are both free
//             buddy.I3  a block is split, free, used, or lies within one that is not split
//             buddy.I4  the lists hold exactly the free blocks
// Checked by: tests/strategy/buddy_test.cpp
//
// The region begins at a multiple of its size, so every block is aligned to its size. It is taken from the
// upstream by the first allocation and kept until reset. The bits tell exactly what is live: a block that is
// freed twice, or with a layout of another order, breaks the contract.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/buddy_math.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

template <allocator Upstream = page<>>
class buddy {
public:
    static constexpr std::size_t least_order = 4;
    static constexpr std::size_t usual_region = std::size_t{1} << 24;

    /// @pre region_size is a power of two, at least 16 and at most 2^61
    explicit buddy(ref<Upstream> upstream, std::size_t region_size = usual_region) noexcept
        : upstream_(upstream), top_(countr_zero(region_size)) {
        ASHLAR_PRE(is_power_of_two(region_size) && top_ >= least_order && top_ <= 61);
    }
    explicit buddy(std::size_t region_size = usual_region) noexcept
        requires stateless<Upstream>
        : buddy(ref<Upstream>(), region_size) {}
    buddy(const buddy&) = delete;
    buddy& operator=(const buddy&) = delete;
    ~buddy() { reset(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t wanted = order_of(l);
        if (wanted > top_ || (base_ == nullptr && !obtain())) return alloc_error{};
        const std::uint64_t candidates = nonempty_ >> wanted;
        if (candidates == 0) return alloc_error{};
        std::size_t order = wanted + countr_zero(candidates);
        std::byte* const p = take(order);
        std::size_t number = number_at(p, order);
        while (order > wanted) {
            set(split_, number);
            --order;
            number = first_half_of(number);
            put(p + (std::size_t{1} << order), number + 1, order);
        }
        unpoison(p, std::size_t{1} << order);
        return block{p, std::size_t{1} << order};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(is_live(p, l));
        give(p, order_of(l));
    }

    /// A first half takes the second one in, order by order, while those are free.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::size_t from = order_of(old), to = order_of(now);
        if (to > top_) return alloc_error{};
        std::size_t number = number_at(p, from);
        for (std::size_t order = from; order < to; ++order, number = parent_of(number)) {
            if ((number & 1) != 0 || !is_set(free_, buddy_of(number))) return alloc_error{};
        }
        number = number_at(p, from);
        for (std::size_t order = from; order < to; ++order) {
            remove(p + (std::size_t{1} << order), buddy_of(number), order);
            number = parent_of(number);
            clear(split_, number);
        }
        unpoison(p, std::size_t{1} << to);
        return block{p, std::size_t{1} << to};
    }
    /// Gives second halves back until the block is of the order that `now` needs.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        const std::size_t to = order_of(now);
        std::size_t order = order_of(old), number = number_at(p, order);
        while (order > to) {
            set(split_, number);
            --order;
            number = first_half_of(number);
            put(p + (std::size_t{1} << order), number + 1, order);
        }
        return block{p, std::size_t{1} << to};
    }

    /// Ends the life of every block and gives the region back.
    void reset() noexcept {
        if (base_ == nullptr) return;
        unpoison(base_, region_size());
        upstream_->deallocate(base_, *whole());
        base_ = nullptr;
        nonempty_ = 0;
        for (auto& list : lists_) list.clear();
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const std::size_t wanted = order_of(l);
        if (wanted > top_) return false;
        if (base_ != nullptr) return nonempty_ >> wanted != 0;
        const auto region = whole();
        const Upstream& upstream = *upstream_;
        return region && upstream.available(*region);
    }
    bool owns(const std::byte* p) const noexcept {
        return base_ != nullptr && p >= base_ && static_cast<std::size_t>(p - base_) < region_size();
    }
    /// Free blocks that touch are visited as one range, buddies or not.
    template <class Visit>
    void for_each_free(Visit visit) const {
        if (base_ == nullptr) return;
        block range{base_, 0};
        for_each_free_block(1, top_, [&](std::byte* p, std::size_t size) {
            if (range.end() == p) {
                range.size += size;
                return;
            }
            if (range.size != 0) visit(range);
            range = {p, size};
        });
        if (range.size != 0) visit(range);
    }
    /// How many free blocks there are of that order.
    std::size_t free_blocks(std::size_t order) const noexcept { return lists_[order].size(); }
    std::size_t region_size() const noexcept { return std::size_t{1} << top_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        if (base_ == nullptr) return nonempty_ == 0;
        bool good = true;
        std::size_t listed = 0, reached = 0;
        for (std::size_t order = 0; order < orders; ++order) {
            const bool some = !lists_[order].empty();
            good = good && lists_[order].consistent() && some == ((nonempty_ >> order & 1) != 0);
            lists_[order].for_each([&](free_block& b) {
                good = good && is_set(free_, number_at(reinterpret_cast<std::byte*>(&b), order));
                ++listed;
            });
        }
        for_each_free_block(1, top_, [&](std::byte*, std::size_t) { ++reached; });
        return good && listed == reached && halves_consistent(1, top_, true);
    }

private:
    struct free_block : list_links {};
    static_assert(sizeof(free_block) <= std::size_t{1} << least_order);
    static constexpr std::size_t orders = 62;

    static std::size_t order_of(layout l) noexcept { return buddy_order(l.size(), l.align(), least_order); }
    std::size_t number_at(const std::byte* p, std::size_t order) const noexcept {
        return number_of_block(static_cast<std::size_t>(p - base_), order, top_);
    }
    /// Exactly: every block above it is split, it is neither split nor free.
    bool is_live(const std::byte* p, layout l) const noexcept {
        if (l.size() == 0 || !owns(p)) return false;
        const std::size_t order = order_of(l);
        if (order > top_ || !is_aligned(p, std::size_t{1} << order)) return false;
        const std::size_t number = number_at(p, order);
        return !is_set(free_, number) && !is_set(split_, number) && (number == 1 || is_set(split_, parent_of(number)));
    }

    static bool is_set(const std::uint64_t* bits, std::size_t at) noexcept { return (bits[at / 64] >> at % 64 & 1) != 0; }
    static void set(std::uint64_t* bits, std::size_t at) noexcept { bits[at / 64] |= std::uint64_t{1} << at % 64; }
    static void clear(std::uint64_t* bits, std::size_t at) noexcept { bits[at / 64] &= ~(std::uint64_t{1} << at % 64); }

    /// Makes a block free and known.
    void put(std::byte* p, std::size_t number, std::size_t order) noexcept {
        set(free_, number);
        lists_[order].push_front(*::new (p) free_block);
        nonempty_ |= std::uint64_t{1} << order;
        poison(p + sizeof(free_block), (std::size_t{1} << order) - sizeof(free_block));
    }
    void remove(std::byte* p, std::size_t number, std::size_t order) noexcept {
        clear(free_, number);
        lists_[order].remove(*std::launder(reinterpret_cast<free_block*>(p)));
        if (lists_[order].empty()) nonempty_ &= ~(std::uint64_t{1} << order);
    }
    std::byte* take(std::size_t order) noexcept {
        auto* const p = reinterpret_cast<std::byte*>(&lists_[order].front());
        remove(p, number_at(p, order), order);
        return p;
    }
    /// Frees a block and joins it with its buddy, order by order, while that one is free (buddy.I2).
    void give(std::byte* p, std::size_t order) noexcept {
        std::size_t number = number_at(p, order);
        while (number > 1 && is_set(free_, buddy_of(number))) {
            const std::size_t other = buddy_of(number);
            std::byte* const other_place = base_ + offset_of_block(other, order, top_);
            remove(other_place, other, order);
            if (other_place < p) p = other_place;
            number = parent_of(number);
            clear(split_, number);
            ++order;
        }
        put(p, number, order);
    }

    /// The words of one bitmap: a bit for every block of every order, numbered from 1.
    std::size_t bitmap_words() const noexcept { return ((std::size_t{2} << (top_ - least_order)) + 63) / 64; }
    /// What the upstream is asked for: the region, and its two bitmaps behind it.
    result<layout> whole() const noexcept {
        return layout::make(region_size() + 2 * bitmap_words() * sizeof(std::uint64_t), region_size());
    }
    bool obtain() noexcept {
        const auto asked = whole();
        if (!asked) return false;
        const auto granted = [&] {
            if constexpr (zeroing<Upstream>) return upstream_->allocate_zeroed(*asked);
            else return upstream_->allocate(*asked);
        }();
        if (!granted) return false;
        base_ = granted->data;
        const std::size_t words = bitmap_words();
        if constexpr (!zeroing<Upstream>) std::memset(base_ + region_size(), 0, 2 * words * sizeof(std::uint64_t));
        free_ = reinterpret_cast<std::uint64_t*>(base_ + region_size());
        split_ = free_ + words;
        put(base_, 1, top_);
        return true;
    }

    template <class Visit>
    void for_each_free_block(std::size_t number, std::size_t order, Visit visit) const {
        if (is_set(free_, number)) visit(base_ + offset_of_block(number, order, top_), std::size_t{1} << order);
        if (!is_set(split_, number)) return;
        for_each_free_block(first_half_of(number), order - 1, visit);
        for_each_free_block(first_half_of(number) + 1, order - 1, visit);
    }
    /// `reached`: every block above is split. What lies in a block that is not split has no bit set (buddy.I3).
    bool halves_consistent(std::size_t number, std::size_t order, bool reached) const noexcept {
        const bool is_free = is_set(free_, number), is_split = is_set(split_, number);
        if ((is_free && is_split) || (!reached && (is_free || is_split))) return false;
        if (order == least_order) return !is_split;
        const std::size_t half = first_half_of(number);
        if (is_split && is_set(free_, half) && is_set(free_, half + 1)) return false;  // buddy.I2
        return halves_consistent(half, order - 1, is_split) && halves_consistent(half + 1, order - 1, is_split);
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t top_;
    std::byte* base_ = nullptr;  // null until the first allocation
    std::uint64_t* free_ = nullptr;
    std::uint64_t* split_ = nullptr;
    std::uint64_t nonempty_ = 0;  // bit k: the list of order k has a block
    intrusive_list<free_block> lists_[orders];
};

}  // namespace ashlar
