// ashlar/strategy/bump.hpp - hand out one buffer front to back.
//
// Layer:      strategy
// Source:     Hanson, "Fast allocation and deallocation of memory based on object lifetimes", Software:
//             Practice and Experience 20(1), 1990.
// Picture:    begin [ used | pad | used | used | free free free ] end
//                                       ^ last ^ cursor
// Complexity: every operation O(1); the only overhead is alignment padding.
// Failure:    refuses when padding + size passes the end of the buffer: available says so exactly.
// Threads:    one at a time.
// Invariants: bump.I1  begin <= cursor <= end
//             bump.I2  every live block lies in [begin, cursor)
//             bump.I3  no block is live if and only if cursor == begin
// Checked by: tests/strategy/bump_test.cpp
//
// The last block can grow, shrink and be given back where it stands; giving back the last live block frees the
// whole buffer. Any other block given back stays used until then, or until a rewind or reset. Addresses are
// aligned, not offsets: the buffer may begin anywhere.
#pragma once

#include <cstddef>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/poison.hpp"

namespace ashlar {

class bump {
public:
    /// A place to come back to.
    class marker {
        friend class bump;
        std::byte* cursor;
        std::byte* before_last;
        std::size_t live;
    };

    /// @pre the buffer outlives the allocator; nobody else touches it meanwhile
    explicit bump(block buffer) noexcept
        : begin_(buffer.data), end_(buffer.end()), cursor_(begin_), before_last_(end_) {
        poison(begin_, buffer.size);
    }
    bump(const bump&) = delete;
    bump& operator=(const bump&) = delete;
    ~bump() { unpoison(begin_, capacity()); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const std::size_t padding = padding_to(cursor_, l.align());
        // Compared by subtraction: padding + size may pass the end of the address space (bump.I1).
        if (padding > room() || l.size() > room() - padding) return alloc_error{};
        before_last_ = cursor_;
        std::byte* const p = cursor_ + padding;
        cursor_ = p + l.size();
        ++live_;
        unpoison(p, l.size());
        ASHLAR_INVARIANT(consistent());
        return block{p, l.size()};
    }
    /// @post the bytes can be granted again if p was the last block, or the last one alive
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(live_ != 0 && is_live_range(p, l));
        poison(p, l.size());
        --live_;
        if (live_ != 0 && p + l.size() != cursor_) return;
        // The padding before it is free again too, if this was granted last: then all is as it was before.
        const bool granted_last = p + l.size() == cursor_ && before_last_ <= p;
        rewind_to(live_ == 0 ? begin_ : granted_last ? before_last_ : p);
        before_last_ = end_;
        ASHLAR_INVARIANT(consistent());
    }

    /// @returns refused unless p is the last block and there is room
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() >= old.size() && now.align() == old.align());
        if (p + old.size() != cursor_ || now.size() - old.size() > room()) return alloc_error{};
        unpoison(cursor_, now.size() - old.size());
        cursor_ = p + now.size();
        return block{p, now.size()};
    }
    /// The last block gives its end back; any other keeps it.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() <= old.size() && now.align() == old.align());
        ASHLAR_PRE(now.size() != 0);
        if (p + old.size() != cursor_) return block{p, old.size()};
        rewind_to(p + now.size());
        return block{p, now.size()};
    }

    marker mark() const noexcept {
        marker here;
        here.cursor = cursor_;
        here.before_last = before_last_;
        here.live = live_;
        return here;
    }
    /// Ends the life of every block granted since the mark.
    /// @pre no block granted before the mark has been given back, grown or shrunk since
    void rewind(marker to) noexcept {
        ASHLAR_PRE(to.cursor <= cursor_ && to.live <= live_);
        live_ = to.live;
        before_last_ = to.before_last;
        rewind_to(to.cursor);
        ASHLAR_INVARIANT(consistent());
    }
    /// Ends the life of every block.
    void reset() noexcept {
        live_ = 0;
        before_last_ = end_;
        rewind_to(begin_);
    }

    bool available(layout l) const noexcept {
        const std::size_t padding = padding_to(cursor_, l.align());
        return padding <= room() && l.size() <= room() - padding;
    }
    bool owns(const std::byte* p) const noexcept { return p >= begin_ && p < end_; }
    template <class Visit>
    void for_each_free(Visit visit) const {
        if (room() != 0) visit(block{cursor_, room()});
    }
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - cursor_); }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        // bump.I1, bump.I3; bump.I2 is what is_live_range asks of every block that comes back
        return begin_ <= cursor_ && cursor_ <= end_ && (live_ == 0) == (cursor_ == begin_) &&
               (before_last_ == end_ || before_last_ <= cursor_);
    }

private:
    bool is_live_range(const std::byte* p, layout l) const noexcept {
        return l.size() != 0 && p >= begin_ && p < cursor_ && is_aligned(p, l.align()) &&
               l.size() <= static_cast<std::size_t>(cursor_ - p);
    }
    void rewind_to(std::byte* p) noexcept {
        poison(p, static_cast<std::size_t>(cursor_ - p));
        cursor_ = p;
    }

    std::byte* const begin_;
    std::byte* const end_;
    std::byte* cursor_;
    std::byte* before_last_;  // where the cursor stood before the last grant; end_: not known
    std::size_t live_ = 0;
};

static_assert(growable<bump> && shrinkable<bump> && resettable<bump> && forecasting<bump>);
static_assert(owning<bump> && walkable<bump>);

}  // namespace ashlar
