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

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// How much may be live at once.
struct limits {
    std::size_t bytes = SIZE_MAX;
    std::size_t blocks = SIZE_MAX;
};

template <allocator A>
class limited {
public:
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    limited(ref<A> upstream, limits most) noexcept : upstream_(upstream), most_(most) {}
    explicit limited(limits most) noexcept
        requires stateless<A>
        : most_(most) {}
    limited(const limited&) = delete;
    limited& operator=(const limited&) = delete;

    result<block> allocate(layout l) noexcept {
        if (!within(l)) return alloc_error{};
        return counted(upstream_->allocate(l), l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        ASHLAR_PRE(blocks_ != 0 && l.size() <= bytes_);
        --blocks_;
        bytes_ -= l.size();
        upstream_->deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        if (!room_for(now.size() - old.size())) return alloc_error{};
        return resized(upstream_->grow_in_place(p, old, now), old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        return resized(upstream_->shrink_in_place(p, old, now), old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        if (now.size() > old.size() && !room_for(now.size() - old.size())) return alloc_error{};
        return resized(upstream_->reallocate(p, old, now, live_bytes), old, now);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        if (!within(l)) return alloc_error{};
        return counted(upstream_->allocate_zeroed(l), l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        bytes_ = 0;
        blocks_ = 0;
        upstream_->reset();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        return within(l) && upstream_->available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }
    /// The upstream's free ranges; a limit may keep them from being granted.
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        upstream_->for_each_free(visit);
    }

    /// May be less than what is live: nothing is granted then until enough has come back.
    void limit_to(limits most) noexcept { most_ = most; }
    limits limit() const noexcept { return most_; }
    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t blocks() const noexcept { return blocks_; }
    /// Whether the limits allow one more block of that layout.
    bool within(layout l) const noexcept { return blocks_ < most_.blocks && room_for(l.size()); }

private:
    bool room_for(std::size_t more) const noexcept { return bytes_ <= most_.bytes && more <= most_.bytes - bytes_; }
    result<block> counted(result<block> granted, layout l) noexcept {
        if (!granted) return granted;
        ++blocks_;
        bytes_ += l.size();
        return block{granted->data, l.size()};  // limited.I1
    }
    result<block> resized(result<block> granted, layout old, layout now) noexcept {
        if (!granted) return granted;
        bytes_ = bytes_ - old.size() + now.size();
        return block{granted->data, now.size()};
    }

    [[no_unique_address]] ref<A> upstream_;
    limits most_;
    std::size_t bytes_ = 0;
    std::size_t blocks_ = 0;
};

}  // namespace ashlar
