// ashlar/strategy/free_list.hpp - find a free block, split it or use it whole, coalesce at once when it returns.
//
// Layer:      strategy
// Source:     Knuth, "The Art of Computer Programming", volume 1, section 2.5, algorithms A and C; Wilson et al.,
//             "Dynamic storage allocation: a survey and critical review", IWMM 1995 (policy against mechanism).
// Picture:    region  [ header | borders | live | free | live | live | free ....... ]   from upstream, several
//                                 1 bit: a block begins; 1 bit: it is free
// Complexity: allocate: the policy's find, one erase, up to two inserts. deallocate: up to two erases, one insert; its
//             check (level 1) reads a word of the map for each KiB of the block. Nothing a live block but its size
//             rounded up to 16 (least block 16 or 48, by the policy); 1/64 of a region, and 48 bytes.
// Failure:    refuses when no free block has room for an aligned run and the upstream refuses a region with room
//             for one: available says exactly that, where the upstream can tell.
// Threads:    one at a time.
// Invariants: free_list.I1  blocks tile a region from its first byte to its end
//             free_list.I2  no two neighbouring blocks are free
//             free_list.I3  the policy holds exactly the free blocks
//             free_list.I4  the wholly free regions are one of the usual size, or at most a quarter of the others
// Checked by: tests/strategy/free_list_test.cpp
// Long:       the one skeleton of every policy; its parts are free_block, border_map, free_list_region, region_set.
//
// The skeleton is the same for every policy (first_fit, next_fit, best_fit, tlsf, half_fit). There is no header: the size of a
// block comes back with it, and the border map tells which neighbours are free, and whether the layout can be right.
// Leftovers in front of an aligned run are at least the least block; shorter leftovers behind are granted along.
// A region that becomes wholly free goes back to the upstream as soon as that breaks free_list.I4.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/free_block.hpp"
#include "ashlar/strategy/free_list_region.hpp"
#include "ashlar/strategy/page.hpp"
#include "ashlar/strategy/region_set.hpp"

namespace ashlar {

/// What free_list asks of a policy: it keeps the free blocks and finds one that fits.
template <class F>
concept fit_policy = std::derived_from<typename F::node, free_block> &&
                     requires(F& fit, const F& kept, typename F::node& b, fit_request wanted, std::size_t size) {
                         { fit.insert(b, size) } noexcept;
                         { fit.erase(b, size) } noexcept;
                         { fit.taken(b) } noexcept;
                         { fit.clear() } noexcept;
                         { kept.find(wanted) } noexcept -> std::same_as<typename F::node*>;
                         { kept.consistent() } noexcept -> std::same_as<bool>;
                         { F::node_size(size) } noexcept -> std::same_as<std::size_t>;
                     };

/// A policy that can do better than erase and insert where a free block becomes one of another size at another address,
/// with no other free block between the two: move(b, to, size).
template <class F>
concept moving_policy = requires(F& fit, typename F::node& b, std::byte* to, std::size_t size) {
    { fit.move(b, to, size) } noexcept;
};

/// A policy whose blocks are longer than their requests: rounded(size) is at least size, and of no size less than of a
/// smaller one.
template <class F>
concept rounding_policy = requires(std::size_t size) {
    { F::rounded(size) } noexcept -> std::same_as<std::size_t>;
};

template <fit_policy Fit, allocator Upstream = page<>>
class free_list {
    using node = typename Fit::node;
    using region = free_list_region;

public:
    /// The usual size of a region; a request that needs more gets a region of its own.
    static constexpr std::size_t usual_region = std::size_t{1} << 20;

    explicit free_list(ref<Upstream> upstream, std::size_t region_size = usual_region) noexcept
        : upstream_(upstream), region_size_(align_up(region_size, grain)) {}
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
        if (found == nullptr) [[unlikely]] {
            found = expand(wanted);
            if (found == nullptr) return alloc_error{};
        }
        return take(*found, wanted);
    }

    void deallocate(std::byte* p, layout l) noexcept {
        region* const r = regions_.find(p);
        ASHLAR_PRE(is_live(r, p, l));
        coalesce(*r, p, extent(*r, p, l));
    }

    /// Takes what it needs from the block behind, if that is free and long enough.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        region* const r = regions_.find(p);
        ASHLAR_PRE(is_live(r, p, old) && now.size() >= old.size() && now.align() == old.align());
        const std::size_t have = extent(*r, p, old), need = needed(now.size());
        if (need <= have) return block{p, have};
        const std::size_t behind = r->column(p + have);
        if (!r->borders().is_free(behind)) return alloc_error{};
        node& next = node_at(p + have);
        const std::size_t whole = have + next.size();
        if (need > whole) return alloc_error{};
        remove(next, whole - have);
        r->borders().end_free(behind);
        return cut(*r, p, whole, need);
    }
    /// Gives back what is no longer needed, if it can stand as a block.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        region* const r = regions_.find(p);
        ASHLAR_PRE(is_live(r, p, old) && now.size() <= old.size() && now.align() == old.align() && now.size() != 0);
        const std::size_t have = extent(*r, p, old), need = needed(now.size());
        if (have - need < least) return block{p, have};
        r->borders().set_start(r->column(p + need));
        coalesce(*r, p + need, have - need);
        return block{p, need};
    }

    /// Gives every wholly free region back. @complexity O(regions) for each
    void trim() noexcept {
        while (idle_bytes_ != 0) drop(*any_idle());
    }
    /// Ends the life of every block and gives every region back.
    void reset() noexcept {
        fit_.clear();
        idle_bytes_ = 0;
        while (!regions_.empty()) give_back(*regions_.any());
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
    bool owns(const std::byte* p) const noexcept { return regions_.find(p) != nullptr; }
    /// Every free block, in order of address.
    template <class Visit>
    void for_each_free(Visit visit) const {
        regions_.for_each([&](region& r) {
            r.for_each_block([&](block b, bool is_free) {
                if (is_free) visit(b);
            });
        });
    }
    /// The bytes of all regions.
    std::size_t managed_bytes() const noexcept { return regions_.bytes(); }
    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        std::size_t free_blocks = 0, idle_bytes = 0, known = 0;
        bool good = fit_.consistent() && regions_.consistent();
        regions_.for_each([&](region& r) {
            good = good && region_consistent(r, free_blocks);
            idle_bytes += is_idle(r) ? r.size() : 0;
        });
        fit_.for_each([&](const node&) { ++known; });
        good = good && idle_bytes == idle_bytes_ && (idle_bytes <= most_idle() || one_usual_is_idle());  // free_list.I4
        return good && known == free_blocks;  // free_list.I3
    }

private:
    static constexpr std::size_t grain = free_block::grain;
    /// A free block holds its node, and if it is longer than 16 bytes its size in its last word.
    static constexpr std::size_t least =
        sizeof(node) == grain ? grain : align_up(sizeof(node) + sizeof(std::uint64_t), grain);
    static_assert(least <= 3 * grain);  // fit_request::gap relies on it

    static std::size_t needed(std::size_t size) noexcept {
        const std::size_t whole = align_up(size, grain);  // size <= PTRDIFF_MAX: no wrap
        if constexpr (rounding_policy<Fit>) return Fit::rounded(whole > least ? whole : least);
        return whole > least ? whole : least;
    }
    static fit_request request(layout l) noexcept {
        return {needed(l.size()), l.align() > grain ? l.align() : grain, least};
    }
    static node& node_at(std::byte* p) noexcept { return *std::launder(reinterpret_cast<node*>(p)); }

    /// Whether p begins a live block of region r that the layout fits, as far as size and address tell.
    [[gnu::always_inline]] static bool is_live(region* r, const std::byte* p, layout l) noexcept {
        const fit_request asked = request(l);
        if (r == nullptr || l.size() == 0 || !is_aligned(p, asked.align)) return false;
        const border_map borders = r->borders();
        const std::size_t at = r->column(p);
        if (!borders.is_start(at) || borders.is_free(at)) return false;
        const std::size_t size = (borders.next_start(at + 1) - at) * grain;
        return size >= asked.need && size - asked.need < least;
    }
    /// @pre p begins a live block of region r that the layout fits
    /// @returns its size
    static std::size_t extent(region& r, const std::byte* p, layout l) noexcept {
        const std::size_t need = needed(l.size());
        if constexpr (least == grain) return need;  // nothing is ever granted along
        const std::size_t at = r.column(p);
        return (r.borders().next_start(at + need / grain) - at) * grain;
    }

    /// Cuts the wanted run out of a free block; what is left over stays free.
    block take(node& found, const fit_request& wanted) noexcept {
        fit_.taken(found);
        std::byte* const p = found.begin();
        const std::size_t whole = found.size();
        region& r = *regions_.find(p);
        if (whole == r.span) [[unlikely]] idle_bytes_ -= r.size();
        if (wanted.is_aligned_anywhere()) [[likely]] {
            r.borders().clear_free(r.column(p));
            return cut(r, p, found, wanted.need);
        }
        remove(found, whole);
        const std::size_t gap = wanted.gap(p);
        std::byte* const run = p + gap;
        if (gap != 0) {
            put(p, gap);
            r.borders().set_free(r.column(run) - 1);
            r.borders().set_start(r.column(run));
        } else {
            r.borders().clear_free(r.column(p));
        }
        return cut(r, run, whole - gap, wanted.need);
    }
    /// The same of the free block at p.
    block cut(region& r, std::byte* p, node& found, std::size_t need) noexcept {
        const std::size_t whole = found.size(), rest = whole - need;
        if (rest < least) {
            remove(found, whole);
            return cut(r, p, whole, need);
        }
        r.borders().begin_free(r.column(p + need));
        move(found, whole, p + need, rest);
        return {p, need};
    }
    /// Makes a live block of `need` bytes or a little more out of `whole` bytes; the rest becomes a free block.
    /// @pre p is a start, and marked as live; the last column of the whole is marked as free, unless it is p's
    block cut(region& r, std::byte* p, std::size_t whole, std::size_t need) noexcept {
        const std::size_t rest = whole - need;
        if (rest < least) {
            r.borders().clear_free(r.column(p + whole) - 1);
            return {p, whole};
        }
        r.borders().begin_free(r.column(p + need));
        put(p + need, rest);
        return {p, need};
    }
    /// Makes the live block at p free, together with its free neighbours.
    void coalesce(region& r, std::byte* p, std::size_t size) noexcept {
        border_map borders = r.borders();
        std::byte* first = p;
        std::size_t whole = size, old = 0;
        node* stays = nullptr;  // the neighbour that becomes the whole, where the policy can move it
        const std::size_t at = r.column(p), behind = r.column(p + size);
        if (borders.is_free(at - 1)) {
            const std::size_t before = free_block::size_before(p);
            first -= before;
            whole += before;
            if constexpr (moving_policy<Fit>) {
                stays = &node_at(first);
                old = before;
            } else {
                remove(node_at(first), before);
            }
            borders.clear_free(at - 1);
            borders.clear_start(at);
        }
        if (borders.is_free(behind)) {
            node& next = node_at(p + size);
            const std::size_t more = next.size();
            whole += more;
            if (moving_policy<Fit> && stays == nullptr) {
                stays = &next;
                old = more;
            } else {
                remove(next, more);
            }
            borders.end_free(behind);
        }
        borders.set_free(r.column(first));
        borders.set_free(r.column(first + whole) - 1);
        if (moving_policy<Fit> && stays != nullptr) {
            move(*stays, old, first, whole);
        } else {
            put(first, whole);
        }
        if (whole == r.span) [[unlikely]] region_is_free(r);
    }

    /// The bytes from p on become a free block, known to the policy. Its borders are the caller's matter.
    void put(std::byte* p, std::size_t size) noexcept {
        free_block::write_end(p, size);
        fit_.insert(*::new (p) node(size), size);
        if (size > least) poison(p + Fit::node_size(size), size - Fit::node_size(size) - sizeof(std::uint64_t));
    }
    /// Takes a free block from the policy; its borders stay as they were.
    void remove(node& b, std::size_t size) noexcept {
        fit_.erase(b, size);
        if (size > least) unpoison(b.begin() + Fit::node_size(size), size - Fit::node_size(size) - sizeof(std::uint64_t));
    }

    /// A free block becomes another one, in the same place among the others.
    void move(node& b, std::size_t old, std::byte* to, std::size_t size) noexcept {
        if constexpr (moving_policy<Fit>) {
            if (old > least) unpoison(b.begin() + Fit::node_size(old), old - Fit::node_size(old) - sizeof(std::uint64_t));
            fit_.move(b, to, size);
            free_block::write_end(to, size);  // last: it may be written over what b was
            if (size > least) poison(to + Fit::node_size(size), size - Fit::node_size(size) - sizeof(std::uint64_t));
        } else {
            remove(b, old);
            put(to, size);
        }
    }

    /// A new region, wholly free. @returns its one block, null if the upstream refuses
    __attribute__((noinline)) node* expand(const fit_request& wanted) noexcept {
        region* const made = region::obtain(*upstream_, wanted, region_size_);
        if (made == nullptr) return nullptr;
        regions_.insert(*made);
        made->borders().begin_free(1);
        made->borders().set_free(made->columns());
        put(made->first, made->span);
        idle_bytes_ += made->size();  // until the caller takes it
        return &node_at(made->first);
    }
    /// Keeps it if the idle ones are not too much then (free_list.I4). Otherwise it goes, before any that was kept: so
    /// a block that comes and goes leaves the free blocks as they were.
    __attribute__((noinline)) void region_is_free(region& r) noexcept {
        const bool stays = may_be_idle(r, idle_bytes_);
        idle_bytes_ += r.size();
        if (!stays) drop(r);
        while (idle_bytes_ > most_idle()) {  // what was in use became less
            if (one_usual_is_idle()) return;
            drop(*any_idle());
        }
    }
    bool may_be_idle(const region& r, std::size_t others) const noexcept {
        return (others == 0 && r.asked <= region_size_) || others + r.size() <= (regions_.bytes() - others - r.size()) / 4;
    }
    std::size_t most_idle() const noexcept { return (regions_.bytes() - idle_bytes_) / 4; }
    static bool is_idle(region& r) noexcept { return r.borders().is_free(1) && node_at(r.first).size() == r.span; }
    bool one_usual_is_idle() const noexcept {
        const region* const one = any_idle();
        return one != nullptr && one->size() == idle_bytes_ && one->asked <= region_size_;
    }
    region* any_idle() const noexcept {
        region* found = nullptr;
        regions_.for_each([&](region& r) { found = is_idle(r) ? &r : found; });
        return found;
    }
    /// @pre r is idle, and counted
    void drop(region& r) noexcept {
        idle_bytes_ -= r.size();
        remove(node_at(r.first), r.span);
        give_back(r);
    }
    void give_back(region& r) noexcept {
        regions_.erase(r);
        unpoison(r.begin(), r.size());
        r.give_back(*upstream_);
    }

    static bool region_consistent(region& r, std::size_t& free_blocks) noexcept {
        const border_map borders = r.borders();
        bool good = borders.is_start(1) && borders.is_start(r.columns() + 1) && !borders.is_free(0) &&
                    !borders.is_free(r.columns() + 1);  // free_list.I1, free_list_region.I1
        bool before_is_free = false;
        std::size_t marks = 0, columns = 0;
        r.for_each_block([&](block b, bool is_free) {
            good = good && b.size >= least && !(is_free && before_is_free);  // free_list.I2
            if (is_free) {
                good = good && borders.is_free(r.column(b.end()) - 1) && node_at(b.data).size() == b.size &&
                       free_block::size_before(b.end()) == b.size;
                marks += b.size == grain ? 1 : 2;
                ++free_blocks;
            }
            before_is_free = is_free;
        });
        for (std::size_t at = 1; at <= r.columns(); ++at) columns += borders.is_free(at);
        return good && columns == marks;  // border_map.I1
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t region_size_;
    Fit fit_;
    region_set regions_;
    std::size_t idle_bytes_ = 0;  ///< of the wholly free regions
};

}  // namespace ashlar
