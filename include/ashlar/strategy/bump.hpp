// ashlar/strategy/bump.hpp - hand out one buffer front to back.
//
// Layer:      strategy
// Source:     Hanson, "Fast allocation and deallocation of memory based on object lifetimes", Software:
//             Practice and Experience 20(1), 1990.
// Picture:    begin [ used | used | used | free free free ] end
//                                  ^ last ^ cursor
// Complexity: every operation O(1): allocate is 8 instructions of a fixed layout (tests/budgets/linear.cpp). Sizes are
//             rounded up to MinAlign; a block aligned to more takes its padding and a word.
// Failure:    refuses when that passes the end of the buffer: available says so exactly.
// Threads:    one at a time.
// Invariants: bump.I1  begin <= cursor <= end
//             bump.I2  every live block lies in [begin, cursor)
//             bump.I3  no block is live if and only if cursor == begin
// Checked by: tests/strategy/bump_test.cpp, tests/budgets/linear.cpp
//
// The last block can grow, shrink and be given back where it stands; giving back the last live block frees the
// whole buffer. Any other block given back stays used until then, or until a rewind or reset. Addresses are
// aligned, not offsets: the buffer may begin anywhere.
#pragma once

#include "ashlar/strategy/bump_cursor.hpp"

namespace ashlar {

/// MinAlign: what every block is aligned to at least. A smaller one packs short strings closer; requests aligned to
/// more than it cost a word.
template <std::size_t MinAlign>
class basic_bump {
    using cursor = bump_cursor<MinAlign>;

public:
    static constexpr bool deallocate_is_optional = true;

    /// A place to come back to.
    class marker {
        friend class basic_bump;
        std::byte* at;
        std::size_t live;
    };

    /// @pre the buffer outlives the allocator; nobody else touches it meanwhile
    explicit basic_bump(block buffer) noexcept : cursor_(buffer), begin_(cursor_.at()) { poison(begin_, capacity()); }
    basic_bump(const basic_bump&) = delete;
    basic_bump& operator=(const basic_bump&) = delete;
    ~basic_bump() { unpoison(begin_, capacity()); }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        const auto granted = cursor_.take(l);
        if (!granted) [[unlikely]] return granted;
        ++live_;
        ASHLAR_INVARIANT(consistent());
        return granted;
    }
    /// @post the bytes can be granted again if p was the last block, or the last one alive
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(live_ != 0 && is_live_range(p, l));
        const bool last = cursor_.is_last(p, l);
        if (--live_ == 0) {
            cursor_.rewind(begin_);
        } else if (last) {
            cursor_.rewind(cursor_.before(p, l));
        } else {
            poison(p, cursor::rounded(l.size()));
        }
        ASHLAR_INVARIANT(consistent());
    }

    /// Within the rounding always; beyond it refused unless p is the last block and there is room.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() >= old.size() && now.align() == old.align());
        if (cursor::rounded(now.size()) == cursor::rounded(old.size())) return block{p, cursor::rounded(now.size())};
        if (!cursor_.is_last(p, old)) return alloc_error{};
        return cursor_.grow(p, old, now);
    }
    /// The last block gives its end back; any other keeps it.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() <= old.size() && now.align() == old.align());
        ASHLAR_PRE(now.size() != 0);
        if (!cursor_.is_last(p, old)) return block{p, cursor::rounded(old.size())};
        cursor_.rewind(p + cursor::rounded(now.size()));
        return block{p, cursor::rounded(now.size())};
    }

    marker mark() const noexcept {
        marker here;
        here.at = cursor_.at();
        here.live = live_;
        return here;
    }
    /// Ends the life of every block granted since the mark.
    /// @pre no block granted before the mark has been given back, grown or shrunk since
    void rewind(marker to) noexcept {
        ASHLAR_PRE(begin_ <= to.at && to.at <= cursor_.at() && to.live <= live_);
        live_ = to.live;
        cursor_.rewind(to.at);
        ASHLAR_INVARIANT(consistent());
    }
    /// Ends the life of every block.
    void reset() noexcept {
        live_ = 0;
        cursor_.rewind(begin_);
    }

    bool available(layout l) const noexcept { return cursor_.fits(l); }
    bool owns(const std::byte* p) const noexcept { return p >= begin_ && p < cursor_.end(); }
    template <class Visit>
    void for_each_free(Visit visit) const {
        if (room() != 0) visit(block{cursor_.at(), room()});
    }
    /// What of the buffer is served from, in bytes: a multiple of MinAlign.
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(cursor_.end() - begin_); }
    std::size_t room() const noexcept { return cursor_.room(); }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        // bump.I1, bump.I3; bump.I2 is what is_live_range asks of every block that comes back
        return begin_ <= cursor_.at() && cursor_.at() <= cursor_.end() && (live_ == 0) == (cursor_.at() == begin_);
    }

private:
    bool is_live_range(const std::byte* p, layout l) const noexcept {
        return l.size() != 0 && p >= begin_ && p < cursor_.at() && is_aligned(p, l.align() > MinAlign ? l.align() : MinAlign) &&
               cursor::rounded(l.size()) <= static_cast<std::size_t>(cursor_.at() - p);
    }

    cursor cursor_;
    std::byte* const begin_;
    std::size_t live_ = 0;
};

using bump = basic_bump<alignof(std::max_align_t)>;

static_assert(growable<bump> && shrinkable<bump> && resettable<bump> && forecasting<bump>);
static_assert(owning<bump> && walkable<bump> && optional_deallocate<bump>);

}  // namespace ashlar
