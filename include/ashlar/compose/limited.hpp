// ashlar/compose/limited.hpp - no more than so many bytes, and so many blocks, at once.
//
// Layer:      compose
// Complexity: two comparisons and two additions more than the upstream's operation.
// Failure:    refuses what would pass a limit before the upstream is asked, and what the upstream refuses.
// Threads:    one at a time; lock the whole with compose/locked.hpp.
// Invariants: limited.I1  bytes() is the sum of the sizes asked for of the live blocks, blocks() their number
// Checked by: tests/compose/limited_test.cpp
//
// A block is granted just as long as it was asked for, even where the upstream gives more: its size when it comes back
// is then the size that was counted (limited.I1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/compose/forwarding.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// How much may be live at once.
struct limits {
    std::size_t bytes = SIZE_MAX;
    std::size_t blocks = SIZE_MAX;
};

template <allocator A>
class limited : public forwarding<limited<A>, A> {
    friend forwarding<limited, A>;

public:
    limited(ref<A> upstream, limits most) noexcept : upstream_(upstream), most_(most) {}
    explicit limited(limits most) noexcept
        requires stateless<A>
        : most_(most) {}

    /// May be less than what is live: nothing is granted then until enough has come back.
    void limit_to(limits most) noexcept { most_ = most; }
    limits limit() const noexcept { return most_; }
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t blocks() const noexcept { return blocks_; }
    /// Whether the limits allow one more block of that layout.
    bool within(layout l) const noexcept { return blocks_ < most_.blocks && room_for(l.size()); }

private:
    bool room_for(std::size_t more) const noexcept { return bytes_ <= most_.bytes && more <= most_.bytes - bytes_; }

    // What forwarding says.
    A& upstream() const noexcept { return *upstream_; }
    bool admits(layout l) const noexcept { return within(l); }
    bool would_admit(layout l) const noexcept { return within(l); }
    result<block> granted(result<block> r, layout l) noexcept {
        if (!r) return r;
        ++blocks_;
        bytes_ += l.size();
        return block{r->data, l.size()};  // limited.I1
    }
    bool admits_resize(const resize_request& r) const noexcept {
        return r.now.size() <= r.old.size() || room_for(r.now.size() - r.old.size());
    }
    result<block> resized(result<block> r, const resize_request& of) noexcept {
        if (!r) return r;
        bytes_ = bytes_ - of.old.size() + of.now.size();
        return block{r->data, of.now.size()};
    }
    void leaving(std::byte*, layout l) noexcept {
        ASHLAR_PRE(blocks_ != 0 && l.size() <= bytes_);
        --blocks_;
        bytes_ -= l.size();
    }
    void forgotten() noexcept {
        bytes_ = 0;
        blocks_ = 0;
    }

    [[no_unique_address]] ref<A> upstream_;
    limits most_;
    std::size_t bytes_ = 0;
    std::size_t blocks_ = 0;
};

}  // namespace ashlar
