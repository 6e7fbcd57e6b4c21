// ashlar/compose/guarded.hpp - find overflows, double frees and uses after free, and say which block it was.
//
// Layer:      compose
// Source:     Perens, Electric Fence (fences); Zig's DebugAllocator (quarantine, double frees).
// Picture:    [ . . fence | block, filled with cd | fence ]    freed: filled with dd, kept for Quarantine frees more
// Complexity: fills and compares every byte; two fences of 16 bytes and an entry of a table for each block.
// Failure:    the upstream's refusals. What is in quarantine is not granted again; trim() gives it back.
// Threads:    one at a time.
// Invariants: guarded.I1  live_ holds just the live blocks granted through this object
//             guarded.I2  a block in quarantine is filled with `freed`, unless somebody wrote to it
// Checked by: tests/compose/guarded_test.cpp
//
// Misuse is reported by the contract handler at every level of checks, before anything is changed: a double free, a free
// of what is no live block, a layout that does not fit, a fence that was written over; and, when a block leaves quarantine,
// that it was written to after it was freed.
#pragma once

#include <cstring>

#include "ashlar/compose/affix.hpp"
#include "ashlar/compose/block_report.hpp"
#include "ashlar/compose/block_table.hpp"

namespace ashlar {

namespace detail {
struct fence {
    static constexpr int pattern = 0xfd;
    unsigned char bytes[16];

    fence() noexcept { std::memset(bytes, pattern, sizeof bytes); }
    bool intact() const noexcept { return bytes[0] == pattern && std::memcmp(bytes, bytes + 1, sizeof bytes - 1) == 0; }
};
}  // namespace detail

/// Quarantine: how many freed blocks are kept from being granted again, to see whether they are written to.
template <allocator A, std::size_t Quarantine = 16>
class guarded {
    using fenced = affix<detail::fence, detail::fence, A>;

public:
    static constexpr int granted = 0xcd;  ///< fills what is granted and not yet written
    static constexpr int freed = 0xdd;    ///< fills what was freed
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit guarded(ref<A> upstream) noexcept : fenced_(upstream) {}
    guarded() noexcept
        requires stateless<A>
    {}
    guarded(const guarded&) = delete;
    guarded& operator=(const guarded&) = delete;
    ~guarded() { end_quarantine(); }

    result<block> allocate(layout l) noexcept {
        if (!live_.make_room()) return alloc_error{};
        const auto r = fenced_.allocate(l);
        if (r) std::memset(r->data, granted, r->size);
        return entered(r, l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        check(p, l);
        if constexpr (Quarantine != 0) {
            if (kept_count_ == Quarantine) leave_quarantine();
            std::memset(p, freed, l.size());
            live_.remove(p);
            kept_[(kept_first_ + kept_count_++) % Quarantine] = {p, l};  // guarded.I2
        } else {
            live_.remove(p);
            std::memset(p, freed, l.size());
            fenced_.deallocate(p, l);
        }
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        check(p, old);
        return replaced(p, fenced_.grow_in_place(p, old, now), old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        check(p, old);
        return replaced(p, fenced_.shrink_in_place(p, old, now), old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        check(p, old);
        return replaced(p, fenced_.reallocate(p, old, now, live_bytes), old, now);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        if (!live_.make_room()) return alloc_error{};
        return entered(fenced_.allocate_zeroed(l), l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        check_all();  // the last look at what the reset ends
        live_.for_each([](const block_table::entry& e) { std::memset(e.data, freed, e.asked.size()); });
        live_.clear();
        kept_count_ = 0;
        fenced_.reset();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        return fenced_.available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return fenced_.owns(p);
    }
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        fenced_.for_each_free(visit);
    }

    /// Gives back what is in quarantine, looking at it for the last time, and what the upstream can.
    void trim() noexcept {
        end_quarantine();
        ashlar::trim(fenced_);
    }
    /// Looks at the fences of every live block and at all that is in quarantine.
    void check_all() const noexcept {
        live_.for_each([&](const block_table::entry& e) { check_fences(e.data, e.asked); });
        for (std::size_t i = 0; i < kept_count_; ++i) check_untouched(kept_[(kept_first_ + i) % room]);
    }
    std::size_t live_blocks() const noexcept { return live_.size(); }
    /// visit(address, layout) for every live block: at the end, what was leaked.
    template <class Visit>
    void for_each_live(Visit visit) const {
        live_.for_each([&](const block_table::entry& e) { visit(static_cast<const std::byte*>(e.data), e.asked); });
    }

private:
    struct freed_block {
        std::byte* data = nullptr;
        layout asked = layout::of<std::byte>();
    };
    static constexpr std::size_t room = Quarantine == 0 ? 1 : Quarantine;

    void check(std::byte* p, layout l) const noexcept {
        const auto* const e = live_.find(p);
        if (e == nullptr) no_live_block(p);
        if (e->asked != l) {
            (block_report() << "the block of " << e->asked.size() << " bytes at " << p << ", aligned to " << e->asked.align()
                            << ", was given back as " << l.size() << " bytes aligned to " << l.align())
                .stop(__FILE__, __LINE__);
        }
        check_fences(p, l);
    }
    [[noreturn]] void no_live_block(const std::byte* p) const noexcept {
        for (std::size_t i = 0; i < kept_count_; ++i) {
            const freed_block& b = kept_[(kept_first_ + i) % room];
            if (b.data != p) continue;
            (block_report() << "double free of the block of " << b.asked.size() << " bytes at " << p).stop(__FILE__, __LINE__);
        }
        (block_report() << "free of " << p << ", where no live block begins").stop(__FILE__, __LINE__);
    }
    static void check_fences(std::byte* p, layout l) noexcept {
        if (!fenced::prefix(p).intact()) {
            (block_report() << "written before the block of " << l.size() << " bytes at " << p).stop(__FILE__, __LINE__);
        }
        if (!fenced::suffix(p, l).intact()) {
            (block_report() << "written past the block of " << l.size() << " bytes at " << p).stop(__FILE__, __LINE__);
        }
    }
    static void check_untouched(const freed_block& b) noexcept {
        for (std::size_t i = 0; i < b.asked.size(); ++i) {
            if (std::to_integer<int>(b.data[i]) == freed) continue;
            (block_report() << "use after free: byte " << i << " of the block of " << b.asked.size() << " bytes at " << b.data
                            << " was written")
                .stop(__FILE__, __LINE__);
        }
    }
    void end_quarantine() noexcept {
        while (kept_count_ != 0) leave_quarantine();
    }
    void leave_quarantine() noexcept {
        const freed_block oldest = kept_[kept_first_];
        check_untouched(oldest);
        kept_first_ = (kept_first_ + 1) % room;
        --kept_count_;
        fenced_.deallocate(oldest.data, oldest.asked);
    }
    result<block> entered(result<block> r, layout l) noexcept {
        if (r) live_.insert({r->data, r->size, l});  // guarded.I1
        return r;
    }
    result<block> replaced(std::byte* p, result<block> r, layout old, layout now) noexcept {
        if (!r) return r;
        if (now.size() > old.size()) std::memset(r->data + old.size(), granted, now.size() - old.size());
        live_.remove(p);
        return entered(r, now);
    }

    fenced fenced_;
    block_table live_;
    freed_block kept_[room];  // a ring: kept_count_ from kept_first_
    std::size_t kept_first_ = 0;
    std::size_t kept_count_ = 0;
};

}  // namespace ashlar
