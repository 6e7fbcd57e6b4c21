// ashlar/strategy/buddy.hpp - halve a power-of-two region until the halves fit; join buddies that are both free.
//
// Layer:      strategy
// Source:     Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, "The Art of Computer Programming",
//             volume 1, section 2.5, algorithms R and S.
// Picture:    order 6  [              split              ]      regions of 2^top bytes from upstream, several;
//             order 5  [     split     ][      free      ]      a request above 2^top has a region of its own
//             order 4  [ used ][ free  ]
// Complexity: allocate and deallocate O(top - order) halvings or joins; finding the order is one bit scan.
//             Instructions by callgrind, 100 bytes, g++ -O2, ASHLAR_CHECKS 1: 117 and 217 where nothing is halved
//             or joined (101 of them the check of what is freed); 154 and 319 in 20,000 blocks, freed at random.
//             No header: a block is 2^order bytes, half of it wasted at worst. 3 bits a least block: 1/43.
// Failure:    refuses exactly when no block of the rounded order or above is free and the upstream refuses a region:
//             available says so, where the upstream can tell.
// Threads:    one at a time.
// Invariants: buddy.I1  every byte of a payload lies in exactly one block that is free or used
//             buddy.I2  no two buddies are both free
//             buddy.I3  the lists hold exactly the free blocks
//             buddy.I4  no region but the kept one is wholly free
// Checked by: tests/strategy/buddy_test.cpp
//
// The first region is kept when it is wholly free, every other one goes back to the upstream. The bits tell exactly
// what is live, so a foreign address, or a block that is freed twice, from inside or with a layout of another order,
// breaks the contract. That check costs three looked-up bits, and a search among the regions where the region is
// not the one that was looked at last.
// Long:       the operations of one structure, and the check of all its invariants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/buddy_region.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

template <allocator Upstream = page<>>
class buddy {
    using region = buddy_region;

public:
    static constexpr std::size_t least_order = 4;
    static constexpr std::size_t usual_region = std::size_t{1} << 18;

    /// @pre region_size is a power of two, at least 16 and at most 2^60
    explicit buddy(ref<Upstream> upstream, std::size_t region_size = usual_region) noexcept
        : upstream_(upstream), shape_{countr_zero(region_size), least_order} {
        ASHLAR_PRE(is_power_of_two(region_size) && top() >= least_order && top() <= most_order);
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
        if (wanted > top()) return allocate_whole(l);
        if (nonempty_ >> wanted == 0 && !expand()) return alloc_error{};
        const std::size_t order = wanted + countr_zero(nonempty_ >> wanted);
        auto* const p = reinterpret_cast<std::byte*>(&lists_[order].front());
        region& r = region_of(p);
        const std::size_t number = number_at(r, p, order);
        remove(r, p, number, order);
        halve(r, p, number, order, wanted);
        unpoison(p, std::size_t{1} << wanted);
        return block{p, std::size_t{1} << wanted};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(is_live(p, l));
        const std::size_t order = order_of(l);
        if (order > top()) return give_back(*region_around(p));
        give(region_of(p), p, order);
    }

    /// A first half takes the second one in, order by order, while those are free.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::size_t from = order_of(old), to = order_of(now);
        if (from > top()) return within(*region_around(p), now);
        if (to > top()) return alloc_error{};
        region& r = region_of(p);
        std::size_t number = number_at(r, p, from);
        for (std::size_t order = from; order < to; ++order, number = parent_of(number)) {
            if ((number & 1) != 0 || !r.is_free(buddy_of(number))) return alloc_error{};
        }
        number = number_at(r, p, from);
        for (std::size_t order = from; order < to; ++order) {
            remove(r, p + (std::size_t{1} << order), buddy_of(number), order);
            number = parent_of(number);
            r.flip_split(number, shape_);
        }
        unpoison(p, std::size_t{1} << to);
        return block{p, std::size_t{1} << to};
    }
    /// Gives second halves back until the block is of the order that `now` needs. Above the usual region refused
    /// where the block would become part of one.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        const std::size_t from = order_of(old), to = order_of(now);
        if (from > top()) return to > top() ? within(*region_around(p), now) : result<block>(alloc_error{});
        region& r = region_of(p);
        halve(r, p, number_at(r, p, from), from, to);
        return block{p, std::size_t{1} << to};
    }

    /// Gives the kept region back, if it is wholly free.
    void trim() noexcept {
        if (kept_ == nullptr || !kept_->is_free(1)) return;
        region& r = *std::exchange(kept_, nullptr);
        remove(r, r.begin, 1, top());
        give_back(r);
    }
    /// Ends the life of every block and gives every region back.
    void reset() noexcept {
        nonempty_ = 0;
        for (auto& list : lists_) list.clear();
        kept_ = nullptr;
        while (!regions_.empty()) give_back(*regions_.root());
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const std::size_t wanted = order_of(l);
        if (wanted <= top() && nonempty_ >> wanted != 0) return true;
        const auto asked = wanted <= top() ? shape_.whole() : region::layout_for(l);
        const Upstream& upstream = *upstream_;
        return asked && upstream.available(*asked);
    }
    /// @complexity O(log n) in the number of regions
    bool owns(const std::byte* p) const noexcept { return region_around(p) != nullptr; }
    /// In order of address. Free blocks that touch are visited as one range, buddies or not.
    template <class Visit>
    void for_each_free(Visit visit) const {
        regions_.for_each([&](const region& r) {
            block range{r.begin, 0};
            for_each_free_block(r, [&](std::byte* p, std::size_t size) {
                if (range.end() != p) {
                    if (range.size != 0) visit(range);
                    range = {p, 0};
                }
                range.size += size;
            });
            if (range.size != 0) visit(range);
        });
    }
    /// How many free blocks there are of that order. @pre order <= 60
    std::size_t free_blocks(std::size_t order) const noexcept { return lists_[order].size(); }
    std::size_t region_size() const noexcept { return shape_.size(); }
    /// The bytes that the upstream was asked for.
    std::size_t managed_bytes() const noexcept {
        std::size_t sum = 0;
        regions_.for_each([&](const region& r) { sum += r.asked; });
        return sum;
    }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = regions_.consistent();
        std::size_t listed = 0, reached = 0;
        for (std::size_t order = 0; order <= most_order && good; ++order) {
            good = lists_[order].consistent() && lists_[order].empty() == ((nonempty_ >> order & 1) == 0);
            lists_[order].for_each([&](free_block& b) {
                auto* const p = reinterpret_cast<std::byte*>(&b);
                const region* const r = region_around(p);
                good = good && r != nullptr && is_halved(*r) && r->is_free(number_at(*r, p, order));  // buddy.I3
                ++listed;
            });
        }
        regions_.for_each([&](const region& r) {
            if (!good || !is_halved(r)) return;
            for_each_free_block(r, [&](std::byte*, std::size_t) { ++reached; });
            good = (!r.is_free(1) || &r == kept_) && halves_consistent(r, 1, top(), true);  // buddy.I4
        });
        return good && listed == reached;
    }

private:
    struct free_block : list_links {};
    static_assert(sizeof(free_block) <= std::size_t{1} << least_order);
    static constexpr std::size_t most_order = 60;

    std::size_t top() const noexcept { return shape_.top; }
    static std::size_t order_of(layout l) noexcept { return buddy_order(l.size(), l.align(), least_order); }
    std::size_t number_at(const region& r, const std::byte* p, std::size_t order) const noexcept {
        return number_of_block(static_cast<std::size_t>(p - r.begin), order, top());
    }
    /// @pre p lies in a region that is halved
    region& region_of(std::byte* p) const noexcept {
        return region::at(p - (reinterpret_cast<std::uintptr_t>(p) & (shape_.size() - 1)), shape_.size());
    }
    /// The region whose payload p lies in; null for none.
    region* region_around(const std::byte* p) const noexcept {
        region* const found = regions_.lower_bound([=](const region& r) { return r.end() <= p; });
        return found != nullptr && found->begin <= p ? found : nullptr;
    }
    /// Or granted whole: then it is longer, or aligned to more.
    bool is_halved(const region& r) const noexcept { return r.payload == shape_.size() && r.align == shape_.size(); }

    /// Every block above it is split, it is neither split nor free.
    bool is_live(std::byte* p, layout l) noexcept {
        if (l.size() == 0) return false;
        if (looked_at_ == nullptr || !looked_at_->holds(p)) looked_at_ = region_around(p);
        if (looked_at_ == nullptr) return false;
        const region& r = *looked_at_;
        const std::size_t order = order_of(l);
        if (order > top()) return !is_halved(r) && r.begin == p && is_aligned(p, l.align()) && l.size() <= r.payload;
        if (!is_halved(r) || !is_aligned(p, std::size_t{1} << order)) return false;
        const std::size_t number = number_at(r, p, order);
        if (r.is_free(number) || (order != least_order && r.is_split(number, shape_))) return false;
        return number == 1 || r.is_split(parent_of(number), shape_);
    }

    /// Makes a block free and known.
    void put(region& r, std::byte* p, std::size_t number, std::size_t order) noexcept {
        r.flip_free(number);
        unpoison(p, sizeof(free_block));
        lists_[order].push_front(*::new (p) free_block);
        nonempty_ |= std::uint64_t{1} << order;
        poison(p + sizeof(free_block), (std::size_t{1} << order) - sizeof(free_block));
    }
    void remove(region& r, std::byte* p, std::size_t number, std::size_t order) noexcept {
        r.flip_free(number);
        lists_[order].remove(*std::launder(reinterpret_cast<free_block*>(p)));
        if (lists_[order].empty()) nonempty_ &= ~(std::uint64_t{1} << order);
    }
    /// Frees second halves of a block that is not free until the rest of it is of order `to`.
    void halve(region& r, std::byte* p, std::size_t number, std::size_t order, std::size_t to) noexcept {
        while (order > to) {
            r.flip_split(number, shape_);
            --order;
            number = first_half_of(number);
            put(r, p + (std::size_t{1} << order), number + 1, order);
        }
    }
    /// Frees a block and joins it with its buddy, order by order, while that one is free (buddy.I2).
    void give(region& r, std::byte* p, std::size_t order) noexcept {
        std::size_t number = number_at(r, p, order);
        while (number > 1 && r.is_free(buddy_of(number))) {
            const std::size_t other = buddy_of(number);
            std::byte* const other_place = r.begin + offset_of_block(other, order, top());
            remove(r, other_place, other, order);
            if (other < number) p = other_place;
            number = parent_of(number);
            r.flip_split(number, shape_);
            ++order;
        }
        if (number == 1 && &r != kept_) return give_back(r);
        put(r, p, number, order);
    }

    /// Another region to halve, wholly free.
    bool expand() noexcept {
        region* const made = region::obtain(*upstream_, shape_);
        if (made == nullptr) return false;
        regions_.insert(*made);
        if (kept_ == nullptr) kept_ = made;
        put(*made, made->begin, 1, top());
        return true;
    }
    result<block> allocate_whole(layout l) noexcept {
        region* const made = region::obtain(*upstream_, l);
        if (made == nullptr) return alloc_error{};
        regions_.insert(*made);
        return block{made->begin, made->payload};
    }
    static result<block> within(const region& r, layout now) noexcept {
        if (now.size() > r.payload) return alloc_error{};
        return block{r.begin, r.payload};
    }
    void give_back(region& r) noexcept {
        regions_.erase(r);
        if (looked_at_ == &r) looked_at_ = nullptr;
        unpoison(r.begin, r.payload);
        r.give_back(*upstream_);
    }

    /// In order of address; nothing for a region that was granted whole.
    template <class Visit>
    void for_each_free_block(const region& r, Visit visit) const {
        if (is_halved(r)) for_each_free_block(r, 1, top(), visit);
    }
    template <class Visit>
    void for_each_free_block(const region& r, std::size_t number, std::size_t order, Visit& visit) const {
        if (r.is_free(number)) {
            visit(r.begin + offset_of_block(number, order, top()), std::size_t{1} << order);
        } else if (order != least_order && r.is_split(number, shape_)) {
            for_each_free_block(r, first_half_of(number), order - 1, visit);
            for_each_free_block(r, first_half_of(number) + 1, order - 1, visit);
        }
    }
    /// `reached`: every block above is split. What lies in one that is not has no bit set (buddy_region.I1); so
    /// the blocks that are reached and not split tile the region (buddy.I1).
    bool halves_consistent(const region& r, std::size_t number, std::size_t order, bool reached) const noexcept {
        const bool is_free = r.is_free(number);
        if (order == least_order) return reached || !is_free;
        const bool is_split = r.is_split(number, shape_);
        if ((is_free && is_split) || (!reached && (is_free || is_split))) return false;
        const std::size_t half = first_half_of(number);
        if (is_split && r.is_free(half) && r.is_free(half + 1)) return false;  // buddy.I2
        return halves_consistent(r, half, order - 1, is_split) && halves_consistent(r, half + 1, order - 1, is_split);
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const buddy_region::shape shape_;
    std::uint64_t nonempty_ = 0;  // bit k: the list of order k has a block
    region::tree regions_;
    region* kept_ = nullptr;
    const region* looked_at_ = nullptr;  // by is_live
    intrusive_list<free_block> lists_[most_order + 1];
};

}  // namespace ashlar
