// ashlar/strategy/slab.hpp - equal blocks in aligned slabs; a slab whose last block is given back goes back itself.
//
// Layer:      strategy
// Source:     Bonwick, "The slab allocator: an object-caching kernel memory allocator", USENIX Summer 1994; the
//             detached list of the current slab is that of Lameter's SLUB (Linux 2.6.22, 2007).
// Picture:    slab    [ colour | header | block | block | ... | block | rest ]      at a multiple of its own size
//             free -> blocks of the current slab      partial -> slab -> slab      empty -> slab      (full: no list)
// Complexity: allocate and deallocate O(1) beside the upstream, O(log slabs) when a slab comes or goes. 5 instructions
//             and 11 where the layout is a constant (-O2, no checks; what changes a slab's list is out of line): of the
//             11 six find the header, three push the block, two count. No header a block; a bit a block and 1 KiB a slab.
// Failure:    refuses a layout that does not fit a block; else only when no block is free and the upstream refuses a
//             slab of slab_bytes aligned to as much. available says just that.
// Threads:    one at a time.
// Invariants: slab.I1  the header of a block's slab is found from the address alone; blocks begin at multiples of
//                      block_size from the slab's first
//             slab.I2  a slab that is not current is in the list partial or empty, or in none when it is full
//             slab.I3  `countdown` reaches 0 at the free that changes a slab's list: 1 when it is full, else its live
//                      blocks; for the current slab, what it holds less what came back since its list was detached
//             slab.I4  at most `keep` slabs are empty, the current one not counted
// Checked by: tests/strategy/slab_test.cpp, tests/budgets/pools.cpp
// Long:       the four states of a slab share one countdown.
//
// Choose slab over pool where the number of blocks rises and falls and memory must go back by itself; pool where it
// does not, or where the upstream cannot align so much. Slabs are filled one after another, so what is allocated together
// lies together: in batches of 1 KiB it overtakes the pool (docs/benchmarks/pools.md). The colour, which follows from the slab's
// address, shifts header and blocks by cache lines: else every header would be in the same few sets of the cache. Without
// it a free would take 7 instructions. Frees of 4 and 5, which put the block on one list or array of the allocator and
// sort a handful into its slabs out of line, were built: the same page tells what they cost.
// A free of a foreign address, inside a block or with a wrong layout breaks the contract at ASHLAR_CHECKS 1; a double
// free at 2, where the slab's free blocks are searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/block_shape.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

template <std::size_t Size, std::size_t Align = alignof(void*), allocator Upstream = page<>>
class slab {
    using shape = block_shape<Size, Align>;
    struct link {
        link* next;
    };
    struct header : list_links, tree_links {
        link* free = nullptr;
        std::size_t countdown = 0;
        const void* owner;
        std::byte* first;
        explicit header(const void* o, std::byte* f) noexcept : owner(o), first(f) {}
    };
    static constexpr std::size_t colours = 16, line = 64;
    static constexpr std::size_t bits_for(std::size_t blocks) noexcept { return (blocks + 63) / 64 * 8; }

public:
    static constexpr std::size_t block_align = shape::align;
    static constexpr std::size_t block_size = shape::size;
    /// The size and the alignment of a slab: 16 KiB, or what holds 32 blocks.
    static constexpr std::size_t slab_bytes = [] {
        std::size_t bytes = std::size_t{16} << 10;
        while (bytes < align_up((colours - 1) * line + sizeof(header) + 8, block_align) + 32 * block_size) bytes *= 2;
        return bytes;
    }();
    static constexpr std::size_t blocks_per_slab = [] {
        std::size_t n = (slab_bytes - sizeof(header)) / block_size;
        while (align_up((colours - 1) * line + sizeof(header) + bits_for(n), block_align) + n * block_size > slab_bytes) --n;
        return n;
    }();

    /// `keep`: how many empty slabs stay.
    explicit slab(ref<Upstream> upstream, std::size_t keep = 1) noexcept : upstream_(upstream), keep_(keep) {}
    explicit slab(std::size_t keep = 1) noexcept
        requires stateless<Upstream>
        : slab(ref<Upstream>(), keep) {}
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;
    ~slab() { reset(); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (!fits(l)) return alloc_error{};
        link* const first = free_;
        if (first == nullptr) [[unlikely]] return allocate_elsewhere();
        free_ = first->next;
        unpoison(first, block_size);
        return block{reinterpret_cast<std::byte*>(first), block_size};
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && fits(l) && may_be_live(p));
        ASHLAR_INVARIANT(is_live(p));
        header& h = header_of(p);
        h.free = ::new (p) link{h.free};
        poison(p + sizeof(link), block_size - sizeof(link));
        if (--h.countdown == 0) [[unlikely]] relist(h);  // slab.I3
    }

    /// Within the block.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(may_be_live(p));
        return shape::grow(p, old, now);
    }
    /// Keeps all its bytes.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(may_be_live(p));
        return shape::shrink(p, old, now);
    }

    /// Gives every empty slab back to the upstream, the current one too.
    void trim() noexcept {
        while (!empty_.empty()) give_back(empty_.pop_front());
        empties_ = 0;
        if (current_ == nullptr || free_blocks(*current_) != blocks_per_slab) return;
        header& h = *current_;
        free_ = nullptr;
        current_ = nullptr;
        give_back(h);
    }
    /// Ends the life of every block and gives every slab back.
    void reset() noexcept {
        free_ = nullptr;
        current_ = nullptr;
        partial_.clear();
        empty_.clear();
        empties_ = 0;
        while (!slabs_.empty()) give_back(*slabs_.root());
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const Upstream& upstream = *upstream_;
        if (!fits(l)) return false;
        return free_ != nullptr || (current_ != nullptr && current_->free != nullptr) || !partial_.empty() ||
               !empty_.empty() || upstream.available(asked());
    }
    /// Whether p lies in a slab. @complexity O(log slabs)
    bool owns(const std::byte* p) const noexcept {
        const header* const h = slabs_.lower_bound([=](const header& x) { return begin_of(x) + slab_bytes <= p; });
        return h != nullptr && begin_of(*h) <= p;
    }
    /// Whether p is the beginning of a live block. @complexity O(log slabs + free blocks of a slab)
    bool is_live(const std::byte* p) const noexcept {
        if (!owns(p)) return false;
        const header& h = header_of(p);
        if (p < h.first || number_of(h, p) >= blocks_per_slab) return false;
        if (static_cast<std::size_t>(p - h.first) % block_size != 0) return false;
        bool free = false;
        for_each_link(h, [&](const link* at) { free = free || reinterpret_cast<const std::byte*>(at) == p; });
        return !free;
    }
    /// In order of address; blocks that touch as one range.
    template <class Visit>
    void for_each_free(Visit visit) const {
        slabs_.for_each([&](const header& h) {
            auto* const bits = bits_of(h);
            for (std::size_t i = 0; i < bits_for(blocks_per_slab) / 8; ++i) bits[i] = 0;
            for_each_link(h, [&](const link* at) {
                const std::size_t i = number_of(h, reinterpret_cast<const std::byte*>(at));
                bits[i / 64] |= std::uint64_t{1} << i % 64;
            });
            for (std::size_t i = 0; i < blocks_per_slab;) {
                std::size_t last = i;
                while (last < blocks_per_slab && (bits[last / 64] >> last % 64 & 1) != 0) ++last;
                if (last != i) visit(block{h.first + i * block_size, (last - i) * block_size});
                i = last + 1;
            }
        });
    }
    std::size_t slabs() const noexcept {
        std::size_t count = 0;
        slabs_.for_each([&](const header&) { ++count; });
        return count;
    }
    std::size_t empty_slabs() const noexcept { return empties_; }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = slabs_.consistent() && partial_.consistent() && empty_.consistent() && empties_ <= keep_;  // slab.I4
        std::size_t listed = 0, empties = 0;
        slabs_.for_each([&](const header& h) {
            const std::size_t live = blocks_per_slab - free_blocks(h);
            if (&h == current_) {
                std::size_t back = 0;
                for (const link* at = h.free; at != nullptr; at = at->next) ++back;
                good = good && !h.list_links::is_linked() && h.countdown == blocks_per_slab - back;
                return;
            }
            const bool full = live == blocks_per_slab;
            good = good && h.list_links::is_linked() == !full && h.countdown == (full ? 1 : live);  // slab.I2, slab.I3
            listed += !full;
            empties += live == 0;
        });
        return good && listed == partial_.size() + empty_.size() && empties == empty_.size() && empties == empties_;
    }

private:
    static layout asked() noexcept { return *layout::make(slab_bytes, slab_bytes); }
    static constexpr bool fits(layout l) noexcept { return shape::fits(l); }
    static header& header_of(const std::byte* p) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(p);
        const std::uintptr_t colour = address / slab_bytes % colours;
        return *reinterpret_cast<header*>((address & ~(slab_bytes - 1)) + colour * line);  // slab.I1
    }
    static const std::byte* begin_of(const header& h) noexcept {
        return reinterpret_cast<const std::byte*>(reinterpret_cast<std::uintptr_t>(&h) & ~(slab_bytes - 1));
    }
    static std::size_t number_of(const header& h, const std::byte* p) noexcept {
        return static_cast<std::size_t>(p - h.first) / block_size;
    }
    /// Behind the header: scratch of for_each_free.
    static std::uint64_t* bits_of(const header& h) noexcept {
        return reinterpret_cast<std::uint64_t*>(const_cast<header*>(&h) + 1);
    }
    struct by_address {
        static bool before(const header& a, const header& b) noexcept { return &a < &b; }
    };
    /// What can be said without a search. Between the slabs there may be no memory, or another's.
    __attribute__((no_sanitize("address"))) bool may_be_live(const std::byte* p) const noexcept {
        if (p < lowest_ || p >= highest_ || !is_aligned(p, block_align)) return false;
        const header& h = header_of(p);
        return h.owner == this && p >= h.first && static_cast<std::size_t>(p - h.first) % block_size == 0 &&
               number_of(h, p) < blocks_per_slab && reinterpret_cast<const std::byte*>(h.free) != p;
    }
    template <class Visit>
    void for_each_link(const header& h, Visit visit) const {
        for (const link* at = h.free; at != nullptr; at = at->next) visit(at);
        if (&h != current_) return;
        for (const link* at = free_; at != nullptr; at = at->next) visit(at);
    }
    std::size_t free_blocks(const header& h) const noexcept {
        std::size_t count = 0;
        for_each_link(h, [&](const link*) { ++count; });
        return count;
    }

    /// From what came back to the current slab, or from the next slab, which is then the current one.
    [[gnu::noinline, gnu::cold]] result<block> allocate_elsewhere() noexcept {
        if (current_ == nullptr || current_->free == nullptr) {
            header* const next = partial_.empty() && empty_.empty() ? obtain() : nullptr;
            if (next == nullptr && partial_.empty() && empty_.empty()) return alloc_error{};
            if (current_ != nullptr) current_->countdown = 1;  // full: the next free lists it
            current_ = next != nullptr ? next : !partial_.empty() ? &partial_.pop_front() : &take_empty();
        }
        link* const first = current_->free;
        current_->free = nullptr;
        current_->countdown = blocks_per_slab;
        free_ = first->next;
        unpoison(first, block_size);
        return block{reinterpret_cast<std::byte*>(first), block_size};
    }
    header& take_empty() noexcept {
        --empties_;
        return empty_.pop_front();
    }
    /// The free that has just been made fills a list or empties the slab.
    [[gnu::noinline, gnu::cold]] void relist(header& h) noexcept {
        if (&h == current_) {  // every block came back, so none is left in the detached list
            free_ = h.free;
            h.free = nullptr;
            h.countdown = blocks_per_slab;
            return;
        }
        if (!h.list_links::is_linked()) {  // it was full
            h.countdown = blocks_per_slab - 1;
            partial_.push_front(h);
            return;
        }
        partial_.remove(h);
        if (empties_ == keep_) return give_back(h);
        empty_.push_front(h);
        ++empties_;
    }
    header* obtain() noexcept {
        const auto granted = upstream_->allocate(asked());
        if (!granted) return nullptr;
        auto* const at = reinterpret_cast<std::byte*>(&header_of(granted->data));
        std::byte* const behind = at + sizeof(header) + bits_for(blocks_per_slab);
        std::byte* const first = behind + padding_to(behind, block_align);
        auto& made = *::new (at) header(this, first);
        for (std::size_t i = blocks_per_slab; i-- != 0;) {
            made.free = ::new (first + i * block_size) link{made.free};
            poison(first + i * block_size + sizeof(link), block_size - sizeof(link));
        }
        slabs_.insert(made);
        if (lowest_ == nullptr || granted->data < lowest_) lowest_ = granted->data;
        if (granted->data + slab_bytes > highest_) highest_ = granted->data + slab_bytes;
        return &made;
    }
    void give_back(header& h) noexcept {
        slabs_.erase(h);
        h.owner = nullptr;
        auto* const begin = const_cast<std::byte*>(begin_of(h));
        unpoison(begin, slab_bytes);
        upstream_->deallocate(begin, asked());
    }

    link* free_ = nullptr;  // of the current slab; its own list takes what comes back meanwhile
    header* current_ = nullptr;
    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t keep_;
    std::size_t empties_ = 0;
    intrusive_list<header> partial_;
    intrusive_list<header> empty_;
    intrusive_tree<header, by_address> slabs_;
    const std::byte* lowest_ = nullptr;  // every slab that there was lies in [lowest, highest)
    const std::byte* highest_ = nullptr;
};

/// A slab whose blocks each hold a T.
template <class T, allocator Upstream = page<>>
using slab_of = slab<sizeof(T), alignof(T), Upstream>;

}  // namespace ashlar
