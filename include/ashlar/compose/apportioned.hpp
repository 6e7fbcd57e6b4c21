// ashlar/compose/apportioned.hpp - the memory of one upstream shared out among several allocators: whose an address is, its region tells.
//
// Layer:      compose
// Source:     Bonwick and Adams, "Magazines and Vmem", USENIX 2001 (one arena imports spans from another); the mask that
//             finds a header is that of Bonwick's slabs, USENIX Summer 1994.
// Picture:    region  [ header: whose | slice 1 | slice 2 | ... | slice 63 ]     at a multiple of its own size
//             large   [ header: no share's | the block ............................................. ]
// Complexity: whose O(1), two instructions. A share's allocate and deallocate O(1) up to a quarter of a region, else
//             O(regions of the share with a quarter free); a region that comes or goes O(log regions). owns O(log regions).
// Failure:    a share refuses what no run of its slices serves when the upstream refuses a region, and always more than 63
//             slices; a large block is refused when the upstream refuses. available says just that.
// Threads:    one at a time.
// Invariants: apportioned.I1  every byte granted lies in a region of its share, or of a large block behind its first header
//             apportioned.I2  a slice's bit is set exactly while it is free; the header's is never set
//             apportioned.I3  a region in the list of a share has a free quarter, and each of its regions with one is there
//             apportioned.I4  at most `idle_regions` regions without a granted slice are kept
// Checked by: tests/compose/apportioned_test.cpp
// Long:       regions, shares and large blocks have one header, by which one mask tells them apart.
//
// A region belongs to one share at a time; when its last slice comes back it is kept for whichever share asks next, so
// that memory goes from one allocator to the next without the upstream.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/bit_scan.hpp"
#include "ashlar/foundation/intrusive_list.hpp"
#include "ashlar/foundation/intrusive_tree.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// N shares. Region: the size of a region and its alignment; a slice is a 64th of it.
template <std::size_t N, allocator Upstream, std::size_t Region = std::size_t{1} << 20>
class apportioned {
    static_assert(N > 0 && std::has_single_bit(Region) && Region >= 64 * 128);
    struct header : list_links, tree_links {
        const apportioned* owner;
        std::size_t whose;
        std::uint64_t free = all_free;
        layout asked;
        header(const apportioned* o, std::size_t w, layout a) noexcept : owner(o), whose(w), asked(a) {}
    };

public:
    using upstream_type = Upstream;
    static constexpr std::size_t shares = N;
    static constexpr std::size_t slice = Region / 64;
    /// What a share grants at most.
    static constexpr std::size_t largest = 63 * slice;

    /// What one of the allocators takes its memory from.
    class share {
    public:
        share(const share&) = delete;
        share& operator=(const share&) = delete;

        result<block> allocate(layout l) noexcept { return whole_->take(l, *this); }
        void deallocate(std::byte* p, layout l) noexcept { whole_->put(p, l, *this); }
        bool available(layout l) const noexcept
            requires forecasting<Upstream>
        {
            return whole_->could_take(l, *this);
        }
        bool owns(const std::byte* p) const noexcept {
            const header* const h = whole_->region_at(p);
            return h != nullptr && h->whose == index_;
        }
        /// Bytes of the slices granted.
        std::size_t held() const noexcept { return held_ * slice; }

    private:
        friend class apportioned;
        share() noexcept = default;

        apportioned* whole_ = nullptr;
        std::size_t index_ = 0;
        std::size_t held_ = 0;       // slices
        header* current_ = nullptr;  // looked into first: it may have room without a free quarter
        intrusive_list<header> roomy_;
    };

    /// Blocks of no share, each straight from the upstream behind a header of its own.
    class large_blocks {
    public:
        large_blocks(const large_blocks&) = delete;
        large_blocks& operator=(const large_blocks&) = delete;

        result<block> allocate(layout l) noexcept { return whole_.take_large(l); }
        /// @pre whose(p) == N
        void deallocate(std::byte* p, layout) noexcept { whole_.put_large(p); }
        void reset() noexcept {
            while (!blocks_.empty()) whole_.give_back(blocks_.pop_front());
        }
        bool available(layout l) const noexcept
            requires forecasting<Upstream>
        {
            const auto asked = large_layout(l);
            const Upstream& upstream = *whole_.upstream_;
            return asked && upstream.available(*asked);
        }

    private:
        friend class apportioned;
        explicit large_blocks(apportioned& whole) noexcept : whole_(whole) {}

        apportioned& whole_;
        intrusive_list<header> blocks_;
    };

    /// `idle_regions`: how many regions without a granted slice stay.
    explicit apportioned(ref<Upstream> upstream, std::size_t idle_regions = 8) noexcept
        : upstream_(upstream), keep_(idle_regions) {
        for (std::size_t i = 0; i < N; ++i) {
            shares_[i].whole_ = this;
            shares_[i].index_ = i;
        }
    }
    explicit apportioned(std::size_t idle_regions = 8) noexcept
        requires stateless<Upstream>
        : apportioned(ref<Upstream>(), idle_regions) {}
    apportioned(const apportioned&) = delete;
    apportioned& operator=(const apportioned&) = delete;
    ~apportioned() { reset(); }

    /// @pre index < N
    share& of(std::size_t index) noexcept { return shares_[index]; }
    const share& of(std::size_t index) const noexcept { return shares_[index]; }
    large_blocks& large() noexcept { return large_; }
    const large_blocks& large() const noexcept { return large_; }

    /// @pre p lies in a slice granted by a share, or is a large block
    /// @returns the index of the share; N for a large block
    static std::size_t whose(const std::byte* p) noexcept { return header_of(p)->whose; }
    /// What can be said of an address without a search; elsewhere there may be no memory, or another's.
    __attribute__((no_sanitize("address"))) bool may_be_ours(const std::byte* p) const noexcept {
        return header_of(p)->owner == this;
    }
    /// Whether p lies in any region or large block.
    bool owns(const std::byte* p) const noexcept { return region_at(p) != nullptr; }

    /// Gives every region without a granted slice back to the upstream.
    void trim() noexcept {
        while (!idle_.empty()) give_back(idle_.pop_front());
        idles_ = 0;
    }
    /// Ends every grant, large ones too.
    void reset() noexcept {
        for (share& s : shares_) {
            s.roomy_.clear();
            s.current_ = nullptr;
            s.held_ = 0;
        }
        idle_.clear();
        large_.blocks_.clear();
        idles_ = 0;
        while (!regions_.empty()) give_back(*regions_.root());
    }

    /// Bytes of all regions and large blocks, the idle ones too.
    std::size_t managed_bytes() const noexcept {
        std::size_t sum = 0;
        regions_.for_each([&](const header& h) { sum += h.asked.size(); });
        return sum;
    }
    std::size_t idle_regions() const noexcept { return idles_; }
    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = regions_.consistent() && idle_.consistent() && idle_.size() == idles_ && idles_ <= keep_;  // apportioned.I4
        std::size_t roomy[N + 1] = {}, slices[N + 1] = {};
        regions_.for_each([&](const header& h) {
            good = good && h.owner == this && h.whose <= N && (h.free & 1) == 0;  // apportioned.I2
            if (h.whose == N || h.free == all_free) return;
            roomy[h.whose] += has_quarter(h.free);
            slices[h.whose] += 63 - static_cast<std::size_t>(std::popcount(h.free));
        });
        for (const share& s : shares_) {
            good = good && s.roomy_.consistent() && s.roomy_.size() == roomy[s.index_] && s.held_ == slices[s.index_];
            s.roomy_.for_each([&](const header& h) { good = good && has_quarter(h.free); });  // apportioned.I3
        }
        return good;
    }

private:
    friend class share;
    static constexpr std::uint64_t all_free = ~std::uint64_t{1};
    static constexpr std::size_t behind = 128;  // where a large block begins, unless its alignment is larger
    static_assert(sizeof(header) <= behind && behind <= slice);
    struct by_address {
        static bool before(const header& a, const header& b) noexcept { return &a < &b; }
    };

    static header* header_of(const std::byte* p) noexcept {
        return reinterpret_cast<header*>(reinterpret_cast<std::uintptr_t>(p) & ~(Region - 1));  // apportioned.I1
    }
    header* region_at(const std::byte* p) const noexcept {
        header* const h = regions_.lower_bound([=](const header& x) {
            return reinterpret_cast<const std::byte*>(&x) + x.asked.size() <= p;
        });
        return h != nullptr && reinterpret_cast<const std::byte*>(h) <= p ? h : nullptr;
    }
    static layout region_layout() noexcept { return *layout::make(Region, Region); }
    static std::size_t offset(layout l) noexcept { return l.align() > behind ? l.align() : behind; }
    static result<layout> large_layout(layout l) noexcept {
        if (l.align() >= Region || l.size() > layout::max_size - 2 * Region) return alloc_error{};
        return layout::make(offset(l) + l.size(), Region);
    }

    /// A bit for each place where a run of n free slices begins that is aligned to `step` slices.
    static std::uint64_t places(std::uint64_t free, std::size_t n, std::size_t step) noexcept {
        return runs_of_set(free, n) & multiples_of(std::uint64_t{step});
    }
    static bool has_quarter(std::uint64_t free) noexcept { return places(free, 16, 16) != 0; }
    static std::uint64_t run(std::size_t first, std::size_t n) noexcept { return ((std::uint64_t{1} << n) - 1) << first; }
    static std::size_t slices_of(layout l) noexcept { return (l.size() - 1) / slice + 1; }
    static std::size_t step_of(layout l) noexcept { return l.align() > slice ? l.align() / slice : 1; }
    static bool serves(const header& h, layout l) noexcept { return places(h.free, slices_of(l), step_of(l)) != 0; }

    static header* with_room(const share& s, layout l) noexcept {
        if (s.current_ != nullptr && serves(*s.current_, l)) return s.current_;
        if (s.roomy_.empty()) return nullptr;
        const header& first = s.roomy_.front();
        if (serves(first, l)) return const_cast<header*>(&first);
        if (slices_of(l) <= 16 && step_of(l) <= 16) return nullptr;
        header* found = nullptr;
        s.roomy_.for_each([&](const header& h) {
            if (found == nullptr && serves(h, l)) found = const_cast<header*>(&h);
        });
        return found;
    }
    static bool is_too_much(layout l) noexcept { return l.size() > largest || l.align() >= Region; }
    static bool serves_anew(layout l) noexcept { return places(all_free, slices_of(l), step_of(l)) != 0; }

    bool could_take(layout l, const share& s) const noexcept
        requires forecasting<Upstream>
    {
        if (is_too_much(l) || !serves_anew(l)) return false;
        const Upstream& upstream = *upstream_;
        return with_room(s, l) != nullptr || idles_ != 0 || upstream.available(region_layout());
    }
    result<block> take(layout l, share& s) noexcept {
        if (is_too_much(l) || !serves_anew(l)) return alloc_error{};
        header* h = with_room(s, l);
        if (h == nullptr) h = region_for(s);
        if (h == nullptr) return alloc_error{};
        const std::size_t n = slices_of(l);
        const auto first = static_cast<std::size_t>(std::countr_zero(places(h->free, n, step_of(l))));
        h->free &= ~run(first, n);
        if (h->list_links::is_linked() && !has_quarter(h->free)) s.roomy_.remove(*h);
        s.current_ = h;
        s.held_ += n;
        std::byte* const p = reinterpret_cast<std::byte*>(h) + first * slice;
        unpoison(p, n * slice);
        return block{p, n * slice};
    }
    void put(std::byte* p, layout l, share& s) noexcept {
        header& h = *header_of(p);
        const auto first = static_cast<std::size_t>(p - reinterpret_cast<std::byte*>(&h)) / slice;
        const std::size_t n = slices_of(l);
        ASHLAR_PRE(h.owner == this && h.whose == s.index_ && first != 0 && first + n <= 64 && (h.free & run(first, n)) == 0);
        poison(p, n * slice);
        h.free |= run(first, n);
        s.held_ -= n;
        if (h.free == all_free) return retire(h, s);
        if (!h.list_links::is_linked() && has_quarter(h.free)) s.roomy_.push_front(h);
        if (s.current_ == nullptr) s.current_ = &h;
    }
    result<block> take_large(layout l) noexcept {
        const auto asked = large_layout(l);
        if (!asked) return alloc_error{};
        const auto granted = upstream_->allocate(*asked);
        if (!granted) return granted;
        auto& made = *::new (granted->data) header(this, N, *asked);
        regions_.insert(made);
        large_.blocks_.push_front(made);
        return block{granted->data + offset(l), asked->size() - offset(l)};
    }
    void put_large(std::byte* p) noexcept {
        header& h = *header_of(p);
        ASHLAR_PRE(h.owner == this && h.whose == N);
        large_.blocks_.remove(h);
        give_back(h);
    }
    header* region_for(share& s) noexcept {
        header* h = nullptr;
        if (idles_ != 0) {
            --idles_;
            h = &idle_.pop_front();
        } else {
            const auto granted = upstream_->allocate(region_layout());
            if (!granted) return nullptr;
            h = ::new (granted->data) header(this, s.index_, region_layout());
            regions_.insert(*h);
            poison(granted->data + slice, largest);
        }
        h->whose = s.index_;
        s.roomy_.push_front(*h);
        return h;
    }
    void retire(header& h, share& s) noexcept {
        if (h.list_links::is_linked()) s.roomy_.remove(h);
        if (s.current_ == &h) s.current_ = nullptr;
        if (idles_ == keep_) return give_back(h);
        idle_.push_front(h);
        ++idles_;
    }
    void give_back(header& h) noexcept {
        regions_.erase(h);
        h.owner = nullptr;
        auto* const begin = reinterpret_cast<std::byte*>(&h);
        const layout asked = h.asked;
        unpoison(begin, asked.size());
        upstream_->deallocate(begin, asked);
    }

    [[no_unique_address]] ref<Upstream> upstream_;
    const std::size_t keep_;
    std::size_t idles_ = 0;
    intrusive_list<header> idle_;
    large_blocks large_{*this};
    intrusive_tree<header, by_address> regions_;
    share shares_[N];
};

}  // namespace ashlar
