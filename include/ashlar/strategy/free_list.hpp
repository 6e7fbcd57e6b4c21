// ashlar/strategy/free_list.hpp - find a free block, split it or use it whole, coalesce at once when it returns.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5, algorithms A and C; Wilson et al.,
//             "Dynamic storage allocation: a survey and critical review", IWMM 1995 (policy against mechanism).
// Picture:    region  [ header | used | free | used | used | free ....... | end ]   from upstream, several
// Complexity: allocate: the policy's find, one erase, up to two inserts. deallocate: up to two erases, one insert.
//             8 bytes a live block, size rounded up to 16 (least block 32 or 48); 48 bytes a region.
// Failure:    refuses when no free block has room for an aligned run and the upstream refuses a region with room
//             for one: available says exactly that, where the upstream can tell.
// Threads:    one at a time.
// Invariants: free_list.I1  blocks tile a region from its header to its end tag
//             free_list.I2  no two neighbouring blocks are free
//             free_list.I3  the policy holds exactly the free blocks
//             free_list.I4  no region but the kept one is wholly free
// Checked by: tests/strategy/free_list_test.cpp
//
// The skeleton is the same for every policy (first_fit, next_fit, best_fit). Leftovers in front of an aligned run
// are at least the least block, so that they stand as free blocks; shorter leftovers behind are granted along.
// The first region of the usual size is kept when it is wholly free, every other one goes back to the upstream.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/boundary_tag.hpp"
#include "ashlar/strategy/free_list_region.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

/// What free_list asks of a policy: it keeps the free blocks and finds one that fits.
template <class F>
concept fit_policy = std::derived_from<typename F::node, tagged_block> &&
                     requires(F& fit, const F& kept, typename F::node& b, fit_request wanted) {
                         { fit.insert(b) } noexcept;
                         { fit.erase(b) } noexcept;
                         { fit.taken(b) } noexcept;
                         { fit.clear() } noexcept;
                         { kept.find(wanted) } noexcept -> std::same_as<typename F::node*>;
                         { kept.consistent() } noexcept -> std::same_as<bool>;
                     };

template <fit_policy Fit, allocator Upstream = page<>>
class free_list {
    using node = typename Fit::node;
    using region = free_list_region;

public:
    /// The usual size of a region; a request that needs more gets a region of its own.
    static constexpr std::size_t usual_region = std::size_t{1} << 18;

    explicit free_list(ref<Upstream> upstream, std::size_t region_size = usual_region) noexcept
        : upstream_(upstream), region_size_(align_up(region_size, tagged_block::grain)) {}
    explicit free_list(std::size_t region_size = usual_region) noexcept
        requires stateless<Upstream>
        : free_list(ref<Upstream>(), region_size) {}
    free_list(const free_list&) = delete;
    free_list& operator=(const free_list&) = delete;
    ~free_list() { reset(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const fit_request wanted = request(l);
        node* found = fit_.find(wanted);
        if (found == nullptr) found = expand(wanted);
        if (found == nullptr) return alloc_error{};
        tagged_block& used = take(*found, wanted);
        return block{used.payload(), usable(used)};
    }

    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(is_live(p, l));
        coalesce(tagged_block::of(p));
    }

    /// Takes what it needs from the block behind, if that is free and long enough.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() >= old.size() && now.align() == old.align());
        tagged_block& b = tagged_block::of(p);
        const std::size_t need = needed(now.size());
        if (need > b.size()) {
            tagged_block& next = b.next();
            if (!next.is_free() || need > b.size() + next.size()) return alloc_error{};
            const std::size_t whole = b.size() + next.size();
            remove(next);
            split(b, whole, need);
        }
        return block{p, usable(b)};
    }
    /// Gives back what is no longer needed, if it can stand as a block.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live(p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        tagged_block& b = tagged_block::of(p);
        const std::size_t need = needed(now.size());
        if (b.size() - need >= least) {
            const std::size_t whole = b.size();
            make_used(b, need);
            tagged_block& rest = *::new (b.end()) tagged_block(whole - need);
            coalesce(rest);
        }
        return block{p, usable(b)};
    }

    /// Ends the life of every block and gives every region back.
    void reset() noexcept {
        fit_.clear();
        kept_ = nullptr;
        while (!regions_.empty()) give_back(*regions_.root());
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const fit_request wanted = request(l);
        if (fit_.find(wanted) != nullptr) return true;
        const auto least_region = region::layout_for(wanted, 0), usual = region::layout_for(wanted, region_size_);
        const Upstream& upstream = *upstream_;
        return (usual && upstream.available(*usual)) || (least_region && upstream.available(*least_region));
    }
    /// @complexity O(log n) in the number of regions
    bool owns(const std::byte* p) const noexcept {
        const region* const found = regions_.lower_bound([=](const region& r) { return r.end() <= p; });
        return found != nullptr && found->begin() <= p;
    }
    /// Every free block, tags included, in order of address.
    template <class Visit>
    void for_each_free(Visit visit) const {
        for_each_block([&](tagged_block& b) {
            if (b.is_free()) visit(block{b.begin(), b.size()});
        });
    }
    /// The bytes of all regions.
    std::size_t managed_bytes() const noexcept {
        std::size_t sum = 0;
        regions_.for_each([&](const region& r) { sum += r.size; });
        return sum;
    }
    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        std::size_t free_blocks = 0, known = 0;
        bool good = fit_.consistent() && regions_.consistent();
        regions_.for_each([&](region& r) { good = good && region_consistent(r, free_blocks); });
        fit_.for_each([&](const node&) { ++known; });
        return good && known == free_blocks;  // free_list.I3
    }

private:
    static constexpr std::size_t tag_size = tagged_block::tag_size;
    /// A free block holds its node, and its size in its last word.
    static constexpr std::size_t least = align_up(sizeof(node) + tag_size, tagged_block::grain);
    static_assert(least <= 3 * tagged_block::grain);  // fit_request::gap relies on it

    static std::size_t needed(std::size_t size) noexcept {
        const std::size_t whole = align_up(size + tag_size, tagged_block::grain);  // size <= PTRDIFF_MAX
        return whole > least ? whole : least;
    }
    static fit_request request(layout l) noexcept {
        return {needed(l.size()), l.align() > tagged_block::grain ? l.align() : tagged_block::grain, least};
    }
    static std::size_t usable(const tagged_block& b) noexcept { return b.size() - tag_size; }
    /// As far as its tag can tell. A block that was freed keeps a free tag until its bytes are granted again.
    bool is_live(std::byte* p, layout l) const noexcept {
        if (l.size() == 0 || !is_aligned(p, request(l).align)) return false;
        ASHLAR_INVARIANT(owns(p));
        const std::size_t tag = tagged_block::of(p).claimed_tag(), size = tag & ~tagged_block::flags;
        const std::size_t need = needed(l.size());
        return (tag & tagged_block::free) == 0 && size >= need && size - need < least;
    }

    /// Cuts the wanted run out of a free block; what is left over stays free.
    tagged_block& take(node& found, const fit_request& wanted) noexcept {
        fit_.taken(found);
        const std::size_t gap = wanted.gap(found.payload()), whole = found.size();
        remove(found);
        tagged_block* used = &found;
        if (gap != 0) {
            used = ::new (found.begin() + gap) tagged_block(0);
            make_free(found, gap);
        }
        split(*used, whole - gap, wanted.need);
        return *used;
    }
    /// Makes a live block of `need` bytes or a little more out of `whole` bytes; the rest becomes a free block.
    /// @pre the block behind the whole is not free
    void split(tagged_block& b, std::size_t whole, std::size_t need) noexcept {
        const bool rest_stands = whole - need >= least;
        make_used(b, rest_stands ? need : whole);
        if (rest_stands) {
            make_free(*::new (b.end()) tagged_block(0), whole - need);
        } else {
            b.next().clear(tagged_block::previous_free);
        }
    }
    /// Makes the live block b free, together with its free neighbours.
    void coalesce(tagged_block& b) noexcept {
        b.set(tagged_block::free);  // stays behind when b merges into its neighbour: a second free is seen
        tagged_block* first = &b;
        std::size_t whole = b.size();
        if (b.previous_is_free()) {
            first = &b.previous();
            whole += first->size();
            remove(*first);
        }
        if (tagged_block& next = b.next(); next.is_free()) {
            whole += next.size();
            remove(next);
        }
        make_free(*first, whole);
        if (first->is_first() && first->next().is_end()) region_is_free(region::of(*first));
    }

    /// The block takes that size and is used; its neighbours are not told.
    static void make_used(tagged_block& b, std::size_t size) noexcept {
        const std::size_t kept = (b.is_first() ? tagged_block::first : 0u) |
                                 (b.previous_is_free() ? tagged_block::previous_free : 0u);
        ::new (&b) tagged_block(size | kept);
    }
    /// The block takes that size, becomes free and known to the policy. @pre the block before it is not free
    void make_free(tagged_block& b, std::size_t size) noexcept {
        node& made = *::new (&b) node(size | tagged_block::free | (b.is_first() ? tagged_block::first : 0u));
        made.write_end();
        made.next().set(tagged_block::previous_free);
        fit_.insert(made);
        poison(made.begin() + sizeof(node), size - sizeof(node) - tag_size);
    }
    /// Takes a free block from the policy; its tag stays as it was.
    void remove(tagged_block& b) noexcept {
        fit_.erase(static_cast<node&>(b));
        unpoison(b.begin() + sizeof(node), b.size() - sizeof(node) - tag_size);
    }

    /// A new region, wholly free. @returns its one block, null if the upstream refuses
    node* expand(const fit_request& wanted) noexcept {
        region* const made = region::obtain(*upstream_, wanted, region_size_);
        if (made == nullptr) return nullptr;
        if (kept_ == nullptr && made->asked <= region_size_) kept_ = made;
        regions_.insert(*made);
        tagged_block& whole = made->first_block();
        make_free(whole, whole.size());
        return static_cast<node*>(&whole);
    }
    void region_is_free(region& r) noexcept {
        if (&r == kept_) return;  // free_list.I4
        remove(r.first_block());
        give_back(r);
    }
    void give_back(region& r) noexcept {
        regions_.erase(r);
        unpoison(r.begin(), r.size);
        r.give_back(*upstream_);
    }

    template <class Visit>
    void for_each_block(Visit visit) const {
        regions_.for_each([&](region& r) {
            for (tagged_block* b = &r.first_block(); !b->is_end(); b = &b->next()) visit(*b);
        });
    }
    bool region_consistent(region& r, std::size_t& free_blocks) const noexcept {
        bool before_is_free = false;
        tagged_block* b = &r.first_block();
        for (; !b->is_end(); b = &b->next()) {
            if (b->size() < least || b->is_first() != (b == &r.first_block())) return false;
            // boundary_tag.I1: the walk itself, from tag to tag, ends at the region's end tag
            if (b->previous_is_free() != before_is_free) return false;   // boundary_tag.I2
            if (b->is_free() && before_is_free) return false;            // free_list.I2
            if (b->is_free() && b->read_end() != b->size()) return false;  // boundary_tag.I3
            before_is_free = b->is_free();
            free_blocks += before_is_free;
            if (b->next().begin() >= r.end()) return false;
        }
        const bool wholly_free = before_is_free && r.first_block().is_free() && r.first_block().next().is_end();
        return b->begin() + tag_size == r.end() && b->previous_is_free() == before_is_free &&
               (!wholly_free || &r == kept_);  // free_list.I1, free_list.I4
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t region_size_;
    Fit fit_;
    free_list_region::tree regions_;
    region* kept_ = nullptr;
};

}  // namespace ashlar
