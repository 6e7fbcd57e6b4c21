// ashlar/strategy/arena.hpp - bump through chunks that grow; free everything at once, or back to a marker.
//
// Layer:      strategy
// Source:     Hanson, "Fast allocation and deallocation of memory based on object lifetimes", Software:
//             Practice and Experience 20(1), 1990; Lakos, Mendelsohn, Meredith, Myers, "On Quantifying
//             Memory-Allocation Strategies", P0089R1, 2016 (why blocks that are too long need a freeing upstream).
// Picture:    chunk [ used | used | used ] <- chunk [ used | used | free free free ]    spare [ free ]
//                                                                 ^ cursor
//             oversize: [ block ] <-> [ block ]      each from the upstream, each freed when it is given back
// Complexity: allocate and deallocate O(1) and inlined: 8 instructions to allocate a fixed layout; a new chunk asks
//             the upstream, or is the spare one. reset and rewind are O(chunks and oversize blocks that end). Sizes are
//             rounded up to 16; what is aligned to more than 16 takes its padding and a word.
// Failure:    refuses when the block fits neither what is left of the current chunk nor the spare one and the
//             upstream refuses a chunk just long enough; above `largest`, when the upstream refuses the block.
// Threads:    one at a time.
// Invariants: arena.I1  every live block of at most `largest` bytes lies in a chunk, in front of that chunk's cursor
//             arena.I2  with no such block live there is at most one chunk and the borrowed buffer, the cursor at the begin
//             arena.I3  the spare chunk holds no block; there is at most one
//             arena.I4  an oversize block is listed, newest first
// Checked by: tests/strategy/arena_test.cpp, tests/budgets/linear.cpp
// Long:       which chunk serves and which is kept is one decision; their layout is in arena_parts.hpp already.
//
// The last block grows, shrinks and is given back where it stands. Any other block given back stays used until the last
// live one goes, or a rewind or reset. Nothing need be given back: an owner may leave deallocate out. A chunk that
// empties is kept while it is the longest; trim gives it back, so reset and trim restore the initial state.
// Which blocks are oversize follows from the layout alone, so that no block has a header to tell it.
#pragma once

#include <cstddef>
#include <cstring>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/arena_parts.hpp"
#include "ashlar/strategy/bump_cursor.hpp"
#include "ashlar/strategy/page.hpp"

namespace ashlar {

struct arena_options {
    std::size_t first_chunk = 65536;  ///< bytes asked for the first chunk, and the least for any
    std::size_t growth = 2;           ///< a new chunk is so many times as long as the one before it
    block buffer{nullptr, 0};         ///< served from first; the caller's, and never given back
};

template <allocator Upstream = page<>>
class arena {
    using chunk = arena_chunk;
    using oversize = arena_oversize;
    using cursor = bump_cursor<16>;

public:
    static constexpr bool deallocate_is_optional = true;
    /// The largest size and alignment served from a chunk.
    static constexpr std::size_t largest = 4096;

    /// A place to come back to.
    class marker {
        friend class arena;
        chunk* current;
        std::byte* at;
        std::size_t live, serial;
    };

    explicit arena(ref<Upstream> upstream, arena_options wish = {}) noexcept
        : upstream_(upstream), first_chunk_(wish.first_chunk), growth_(wish.growth) {
        ASHLAR_PRE(growth_ != 0);
        const std::size_t skipped = padding_to(wish.buffer.data, alignof(chunk));
        if (wish.buffer.data == nullptr || wish.buffer.size < skipped + sizeof(chunk) + 16) return;
        enter(chunk::build({wish.buffer.data + skipped, wish.buffer.size - skipped}, true));
    }
    explicit arena(arena_options wish = {}) noexcept
        requires stateless<Upstream>
        : arena(ref<Upstream>(), wish) {}
    arena(const arena&) = delete;
    arena& operator=(const arena&) = delete;
    ~arena() {
        reset();
        trim();
        if (current_ != nullptr) current_->dissolve();
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (is_oversize(l)) [[unlikely]] return allocate_oversize(l);
        const auto granted = cursor_.take(l);
        if (!granted) [[unlikely]] return allocate_elsewhere(l);
        ++live_;
        return granted;
    }
    /// @post the bytes can be granted again if p was the last block, the last one alive, or oversize
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(l.size() != 0 && is_aligned(p, l.align()));
        if (is_oversize(l)) [[unlikely]] return deallocate_oversize(p, l);
        ASHLAR_PRE(live_ != 0 && is_aligned(p, 16));
        ASHLAR_INVARIANT(owns(p));  // arena.I1
        const bool last = cursor_.is_last(p, l);
        if (--live_ == 0) [[unlikely]] return empty_chunks();
        if (last) {
            cursor_.rewind(cursor_.before(p, l));
            if (cursor_.at() == current_->range().data) [[unlikely]] leave_chunk();
        } else {
            poison(p, cursor::rounded(l.size()));
        }
    }

    /// Within the rounding always; the last block while its chunk has room; oversize ones as the upstream can.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_aligned(p, old.align()) && now.size() >= old.size() && now.align() == old.align());
        if (is_oversize(old)) return grow_oversize(oversize::of(p, old), now);
        if (is_oversize(now)) return alloc_error{};
        if (cursor::rounded(now.size()) == cursor::rounded(old.size())) return block{p, cursor::rounded(now.size())};
        if (!cursor_.is_last(p, old)) return alloc_error{};
        return cursor_.grow(p, old, now);
    }
    /// The last block gives its end back, any other keeps it; an oversize one may not become a chunk's.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_aligned(p, old.align()) && now.size() <= old.size() && now.align() == old.align());
        ASHLAR_PRE(now.size() != 0);
        if (is_oversize(old)) return shrink_oversize(oversize::of(p, old), now);
        if (!cursor_.is_last(p, old)) return block{p, cursor::rounded(old.size())};
        cursor_.rewind(p + cursor::rounded(now.size()));
        return block{p, cursor::rounded(now.size())};
    }

    /// What is oversize and stays so moves as the upstream can (page: without copying).
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<Upstream>
    {
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (now.align() == old.align()) {
            if (is_oversize(old) && is_oversize(now) && oversize::of(p, old).can_resize()) {
                return move_oversize(oversize::of(p, old), now, live_bytes);
            }
            const auto in_place = now.size() >= old.size() ? grow_in_place(p, old, now) : shrink_in_place(p, old, now);
            if (in_place) return in_place;
        }
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        deallocate(p, old);
        return moved;
    }

    marker mark() const noexcept {
        marker here;
        here.current = current_;
        here.at = cursor_.at();
        here.live = live_;
        here.serial = serial_;
        return here;
    }
    /// Ends the life of every block granted since the mark.
    /// @pre no block granted before the mark has been given back, grown or shrunk since; there was no reset
    void rewind(marker to) noexcept {
        ASHLAR_PRE(to.live <= live_ && to.serial <= serial_ && is_known(to));
        while (!oversizes_.empty() && oversizes_.front().serial() > to.serial) give_back(oversizes_.front());
        while (current_ != to.current) leave_chunk();
        if (current_ != nullptr) cursor_.rewind(to.at);
        live_ = to.live;
    }
    /// Ends the life of every block. Oversize blocks and all chunks but the longest go back to the upstream.
    void reset() noexcept {
        while (!oversizes_.empty()) give_back(oversizes_.front());
        live_ = 0;
        empty_chunks();
    }
    /// Gives back the chunk that is kept for later.
    void trim() noexcept {
        if (live_ == 0 && current_ != nullptr && !current_->is_borrowed()) leave_chunk();
        if (spare_ != nullptr) give_back(*spare_);
        spare_ = nullptr;
    }

    bool available(layout l) const noexcept
        requires forecasting<Upstream>
    {
        const Upstream& upstream = *upstream_;
        if (is_oversize(l)) {
            const auto asked = oversize::asked(l);
            return asked && upstream.available(*asked);
        }
        const std::size_t need = chunk_for(l);
        return cursor_.fits(l) || (spare_ != nullptr && spare_->size() >= need) ||
               upstream.available(*layout::make(wanted(need), alignof(chunk))) ||
               upstream.available(*layout::make(need, alignof(chunk)));
    }
    /// @complexity O(chunks + oversize blocks)
    bool owns(const std::byte* p) const noexcept {
        for (const chunk* c = current_; c != nullptr; c = c->older) {
            if (c->contains(p)) return true;
        }
        if (spare_ != nullptr && spare_->contains(p)) return true;
        bool found = false;
        oversizes_.for_each([&](const oversize& o) {
            found = found || o.contains(p);
        });
        return found;
    }
    /// Bytes that can still be granted without a new chunk.
    std::size_t room() const noexcept { return cursor_.room(); }
    /// Chunks held, a borrowed buffer and the spare one among them.
    std::size_t chunks() const noexcept {
        std::size_t count = spare_ != nullptr;
        for (const chunk* c = current_; c != nullptr; c = c->older) ++count;
        return count;
    }
    std::size_t oversize_blocks() const noexcept { return oversizes_.size(); }

private:
    static bool is_oversize(layout l) noexcept { return l.size() > largest || l.align() > largest; }
    /// The length of a chunk that serves l wherever it lies.
    static std::size_t chunk_for(layout l) noexcept {
        const std::size_t lead = l.align() > 16 ? l.align() + 16 : 0;
        return sizeof(chunk) + lead + cursor::rounded(l.size());
    }
    std::size_t wanted(std::size_t need) const noexcept {
        const std::size_t last = current_ == nullptr || current_->is_borrowed() ? 0 : current_->size();
        const std::size_t grown = last > layout::max_size / 2 / growth_ ? last : last * growth_;
        const std::size_t most = grown > first_chunk_ ? grown : first_chunk_;
        return most > need && most <= layout::max_size / 2 ? align_up(most, std::size_t{16}) : need;
    }

    // ---- chunks -------------------------------------------------------------------------------------------

    __attribute__((noinline)) result<block> allocate_elsewhere(layout l) noexcept {
        const std::size_t need = chunk_for(l);
        if (spare_ != nullptr && spare_->size() >= need) {
            enter(*spare_);
            spare_ = nullptr;
        } else {
            const std::size_t wish = wanted(need);
            auto granted = upstream_->allocate(*layout::make(wish, alignof(chunk)));
            if (!granted && wish != need) granted = upstream_->allocate(*layout::make(need, alignof(chunk)));
            if (!granted) return granted;
            enter(chunk::build(*granted, false));
        }
        ++live_;
        return cursor_.take(l);
    }
    void enter(chunk& c) noexcept {
        if (current_ != nullptr) current_->stopped = cursor_.at();
        c.older = current_;
        current_ = &c;
        cursor_ = cursor(c.range());
    }
    /// Back to the chunk before. @pre no block of the current one is live
    __attribute__((noinline)) void leave_chunk() noexcept {
        ASHLAR_PRE(current_ != nullptr);
        chunk& left = *current_;
        cursor_.rewind(left.range().data);
        if (left.is_borrowed()) return;
        current_ = left.older;
        cursor_ = cursor();
        if (current_ != nullptr) cursor_ = cursor({current_->stopped, remaining(*current_)});
        if (spare_ != nullptr && spare_->size() >= left.size()) return give_back(left);
        if (spare_ != nullptr) give_back(*spare_);
        spare_ = &left;  // arena.I3
    }
    static std::size_t remaining(chunk& c) noexcept { return static_cast<std::size_t>(c.range().end() - c.stopped); }
    /// No block of a chunk is live any more (arena.I2).
    __attribute__((noinline)) void empty_chunks() noexcept {
        if (current_ == nullptr) return;
        if (current_->older == nullptr) return cursor_.rewind(current_->range().data);
        while (current_ != nullptr && !current_->is_borrowed()) leave_chunk();
        if (current_ != nullptr) return cursor_.rewind(current_->range().data);
        enter(*spare_);
        spare_ = nullptr;
    }
    void give_back(chunk& c) noexcept {
        const block whole = c.dissolve();
        upstream_->deallocate(whole.data, *layout::make(whole.size, alignof(chunk)));
    }
    bool is_known(marker to) const noexcept {
        const chunk* c = current_;
        while (c != to.current && c != nullptr) c = c->older;
        return c == to.current && (c == nullptr || to.at <= (c == current_ ? cursor_.at() : c->stopped));
    }

    // ---- oversize blocks ------------------------------------------------------------------------------------

    __attribute__((noinline)) result<block> allocate_oversize(layout l) noexcept {
        const auto asked = oversize::asked(l);
        if (!asked) return alloc_error{};
        const auto granted = upstream_->allocate(*asked);
        if (!granted) return granted;
        oversize& o = oversize::build(*granted, l, this, ++serial_);
        oversizes_.push_front(o);  // arena.I4
        return block{o.begin(), o.capacity()};
    }
    __attribute__((noinline)) void deallocate_oversize(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(oversize::of(p, l).owner() == this);
        give_back(oversize::of(p, l));
    }
    void give_back(oversize& o) noexcept {
        oversizes_.remove(o);
        upstream_->deallocate(o.place().data, o.fitting());
    }
    result<block> grow_oversize(oversize& o, layout now) noexcept {
        ASHLAR_PRE(o.owner() == this);
        if (now.size() <= o.capacity()) return block{o.begin(), o.capacity()};
        return resize_oversize(o, now, [&](layout to) { return ashlar::grow_in_place(*upstream_, o.place().data, o.fitting(), to); });
    }
    result<block> shrink_oversize(oversize& o, layout now) noexcept {
        ASHLAR_PRE(o.owner() == this);
        if (!is_oversize(now)) return alloc_error{};
        return resize_oversize(o, now, [&](layout to) { return ashlar::shrink_in_place(*upstream_, o.place().data, o.fitting(), to); });
    }
    result<block> move_oversize(oversize& o, layout now, std::size_t live_bytes) noexcept {
        ASHLAR_PRE(o.owner() == this);
        const auto asked = oversize::asked(now);
        if (!asked) return alloc_error{};
        const auto place = upstream_->reallocate(o.place().data, o.fitting(), *asked, o.in_front() + live_bytes);
        if (!place) return place;
        oversize& moved = oversize::in(*place, now.align());
        oversizes_.follow(moved);  // arena.I4: as old as it was
        return block{moved.begin(), moved.capacity()};
    }
    template <class Resize>
    result<block> resize_oversize(oversize& o, layout now, Resize resize) noexcept {
        const auto asked = o.can_resize() ? oversize::asked(now) : result<layout>(alloc_error{});
        const auto resized = asked ? resize(*asked) : result<block>(alloc_error{});
        if (!resized) return resized;
        o.resize(resized->size);
        return block{o.begin(), o.capacity()};
    }

    cursor cursor_;
    std::size_t live_ = 0;  // blocks of chunks
    [[no_unique_address]] ref<Upstream> upstream_;
    chunk* current_ = nullptr;
    chunk* spare_ = nullptr;
    intrusive_list<oversize> oversizes_;
    std::size_t serial_ = 0;  // of the newest oversize block
    const std::size_t first_chunk_;
    const std::size_t growth_;
};

static_assert(growable<arena<>> && shrinkable<arena<>> && resettable<arena<>> && optional_deallocate<arena<>>);

}  // namespace ashlar
