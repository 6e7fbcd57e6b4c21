// ashlar/strategy/stack.hpp - give back newest first, block by block or a frame at once.
//
// Layer:      strategy
// Source:     Ierusalimschy, de Figueiredo, Celes, "The Implementation of Lua 5.0", Journal of Universal Computer
//             Science 11(7), 2005, section 7 (frames on a stack of one's own); Gregory, "Game Engine Architecture",
//             3rd edition, CRC Press, 2018, section 6.2.1 (stack allocators and markers).
// Picture:    begin [ frame 1: used | used | frame 2: used | used | free free free ] end
//                                          ^ floor                ^ top
// Complexity: every operation O(1); sizes are rounded up to 16; what is aligned to more takes its padding and a word.
// Failure:    refuses when that passes the end of the buffer, before anything has moved: available says so exactly.
// Threads:    one at a time; a thread has a stack of its own by strategy/thread_stack.hpp.
// Invariants: stack.I1  begin <= floor <= top <= end
//             stack.I2  every block granted in the innermost frame lies in [floor, top)
//             stack.I3  the open frames, from the innermost out, have floors that never increase
// Checked by: tests/strategy/stack_test.cpp, tests/budgets/linear.cpp
//
// Out of order, nothing is given back: a block that is not the newest, or lies in an outer frame, and a frame that is not
// the innermost break the contract before anything has changed. Only the newest block is resized.
#pragma once

#include "ashlar/strategy/bump_cursor.hpp"

namespace ashlar {

class stack {
    using cursor = bump_cursor<alignof(std::max_align_t)>;

public:
    static constexpr bool deallocate_is_optional = true;

    /// A place to come back to.
    class marker {
        friend class stack;
        std::byte* top;
    };

    /// While it lives, blocks are granted in this frame; its end is theirs. Frames end innermost first.
    class frame {
    public:
        explicit frame(stack& s) noexcept : stack_(s), outer_(s.innermost_), floor_(s.floor_) {
            s.innermost_ = this;
            s.floor_ = s.cursor_.at();
        }
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;
        ~frame() { stack_.end(*this); }

        /// Bytes granted in it, and in the frames within it.
        std::size_t used() const noexcept { return static_cast<std::size_t>(stack_.cursor_.at() - begin()); }

    private:
        friend class stack;
        std::byte* begin() const noexcept {  // the floor while it is the innermost; then what the next one keeps
            const frame* inner = stack_.innermost_;
            if (inner == this) return stack_.floor_;
            while (inner->outer_ != this) inner = inner->outer_;
            return inner->floor_;
        }
        stack& stack_;
        frame* const outer_;
        std::byte* const floor_;  // of the outer frame
    };

    /// @pre the buffer outlives the stack; nobody else touches it meanwhile
    explicit stack(block buffer) noexcept : cursor_(buffer), begin_(cursor_.at()), floor_(begin_) {
        poison(begin_, capacity());
    }
    stack(const stack&) = delete;
    stack& operator=(const stack&) = delete;
    ~stack() {
        ASHLAR_PRE(innermost_ == nullptr);
        unpoison(begin_, capacity());
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        return cursor_.take(l);
    }
    /// @pre p is the newest block, granted in the innermost frame
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(is_newest(p, l));
        cursor_.rewind(cursor_.before(p, l));
        ASHLAR_INVARIANT(consistent());
    }
    /// Within the rounding always; beyond it refused unless p is the newest block and there is room.
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() >= old.size() && now.align() == old.align());
        if (cursor::rounded(now.size()) == cursor::rounded(old.size())) return block{p, cursor::rounded(now.size())};
        if (!is_newest(p, old)) return alloc_error{};
        return cursor_.grow(p, old, now);
    }
    /// Refused unless p is the newest block or stays as long after rounding.
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() <= old.size() && now.align() == old.align());
        ASHLAR_PRE(now.size() != 0);
        const std::size_t keep = cursor::rounded(now.size());
        if (keep != cursor::rounded(old.size())) {
            if (!is_newest(p, old)) return alloc_error{};
            cursor_.rewind(p + keep);
        }
        return block{p, keep};
    }

    /// Refused unless p is the newest block: to grant another first would leave no order to give the old one back in.
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        ASHLAR_PRE(is_live_range(p, old) && now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (!is_newest(p, old)) return alloc_error{};
        return cursor_.replace(p, old, now, live_bytes);
    }

    marker mark() const noexcept {
        marker here;
        here.top = cursor_.at();
        return here;
    }
    /// Ends the life of every block granted since the mark. @pre the mark was made in the innermost frame
    void rewind(marker to) noexcept {
        ASHLAR_PRE(floor_ <= to.top && to.top <= cursor_.at());
        cursor_.rewind(to.top);
    }
    /// Ends the life of every block. @pre no frame is open
    void reset() noexcept {
        ASHLAR_PRE(innermost_ == nullptr);
        cursor_.rewind(begin_);
    }

    bool available(layout l) const noexcept { return cursor_.fits(l); }
    bool owns(const std::byte* p) const noexcept { return p >= begin_ && p < cursor_.end(); }
    template <class Visit>
    void for_each_free(Visit visit) const {
        if (room() != 0) visit(block{cursor_.at(), room()});
    }
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(cursor_.end() - begin_); }
    std::size_t room() const noexcept { return cursor_.room(); }
    std::size_t frames() const noexcept {
        std::size_t count = 0;
        for (const frame* f = innermost_; f != nullptr; f = f->outer_) ++count;
        return count;
    }

    /// @returns whether the invariants hold
    bool consistent() const noexcept {
        bool good = begin_ <= floor_ && floor_ <= cursor_.at() && cursor_.at() <= cursor_.end();  // stack.I1
        const std::byte* above = floor_;
        for (const frame* f = innermost_; f != nullptr; f = f->outer_) {
            good = good && begin_ <= f->floor_ && f->floor_ <= above;  // stack.I3
            above = f->floor_;
        }
        return good;
    }

private:
    void end(frame& f) noexcept {
        ASHLAR_PRE(innermost_ == &f);
        cursor_.rewind(floor_);
        floor_ = f.floor_;
        innermost_ = f.outer_;
        ASHLAR_INVARIANT(consistent());
    }
    bool is_live_range(const std::byte* p, layout l) const noexcept {
        return l.size() != 0 && p >= begin_ && p < cursor_.at() && is_aligned(p, l.align() > 16 ? l.align() : 16) &&
               cursor::rounded(l.size()) <= static_cast<std::size_t>(cursor_.at() - p);
    }
    bool is_newest(const std::byte* p, layout l) const noexcept {  // stack.I2
        return is_live_range(p, l) && p >= floor_ && cursor_.is_last(p, l);
    }

    cursor cursor_;
    std::byte* const begin_;
    std::byte* floor_;  // where the innermost frame begins
    frame* innermost_ = nullptr;
};

static_assert(growable<stack> && shrinkable<stack> && resettable<stack> && forecasting<stack>);
static_assert(reallocating<stack> && owning<stack> && walkable<stack> && optional_deallocate<stack>);

}  // namespace ashlar
