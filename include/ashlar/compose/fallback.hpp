// ashlar/compose/fallback.hpp - ask one allocator, and where it refuses, another.
//
// Layer:      compose
// Source:     Alexandrescu's FallbackAllocator (D, std.experimental.allocator).
// Complexity: one `owns` of the primary more than the operation of the allocator that granted the block.
// Failure:    refuses when both do.
// Threads:    as the weaker of the two.
// Invariants: fallback.I1  a block that the primary owns was granted by the primary, any other by the secondary
// Checked by: tests/compose/fallback_test.cpp
//
// The primary must know its own blocks (`owning`), for no record is kept of who granted what. An in-place operation stays
// with the granter; reallocate moves to the other one where the granter has no room. Not walkable: two walks cannot be
// made one in address order without memory.
#pragma once

#include <cstring>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <allocator Primary, allocator Secondary>
    requires owning<Primary>
class fallback {
public:
    static constexpr bool is_thread_safe = thread_safe<Primary> && thread_safe<Secondary>;
    static constexpr bool deallocate_is_optional = optional_deallocate<Primary> && optional_deallocate<Secondary>;

    /// @pre neither owns what the other would grant
    fallback(ref<Primary> primary, ref<Secondary> secondary) noexcept : primary_(primary), secondary_(secondary) {}
    explicit fallback(ref<Primary> primary) noexcept
        requires stateless<Secondary>
        : primary_(primary) {}
    fallback(const fallback&) = delete;
    fallback& operator=(const fallback&) = delete;

    result<block> allocate(layout l) noexcept {
        const auto first = primary_->allocate(l);
        return first ? first : secondary_->allocate(l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        if (primary_->owns(p)) return primary_->deallocate(p, l);  // fallback.I1
        secondary_->deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires(growable<Primary> || growable<Secondary>)
    {
        if (primary_->owns(p)) return ashlar::grow_in_place(*primary_, p, old, now);
        return ashlar::grow_in_place(*secondary_, p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires(shrinkable<Primary> || shrinkable<Secondary>)
    {
        if (primary_->owns(p)) return ashlar::shrink_in_place(*primary_, p, old, now);
        return ashlar::shrink_in_place(*secondary_, p, old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires(reallocating<Primary> || reallocating<Secondary>)
    {
        if (primary_->owns(p)) return moved(*primary_, *secondary_, p, old, now, live_bytes);
        return moved(*secondary_, *primary_, p, old, now, live_bytes);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires(zeroing<Primary> || zeroing<Secondary>)
    {
        const auto first = ashlar::allocate_zeroed(*primary_, l);
        return first ? first : ashlar::allocate_zeroed(*secondary_, l);
    }
    void reset() noexcept
        requires(resettable<Primary> && resettable<Secondary>)
    {
        primary_->reset();
        secondary_->reset();
    }
    void trim() noexcept
        requires(trimmable<Primary> || trimmable<Secondary>)
    {
        ashlar::trim(*primary_);
        ashlar::trim(*secondary_);
    }
    bool available(layout l) const noexcept
        requires(forecasting<Primary> && forecasting<Secondary>)
    {
        return primary_->available(l) || secondary_->available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<Secondary>
    {
        return primary_->owns(p) || secondary_->owns(p);
    }

private:
    template <class Granter, class Other>
    static result<block> moved(Granter& granter, Other& other, std::byte* p, layout old, layout now,
                               std::size_t live_bytes) noexcept {
        const auto stayed = ashlar::reallocate(granter, p, old, now, live_bytes);
        if (stayed) return stayed;
        const auto fresh = other.allocate(now);
        if (!fresh) return fresh;
        std::memcpy(fresh->data, p, live_bytes);
        granter.deallocate(p, old);
        return fresh;
    }

    [[no_unique_address]] ref<Primary> primary_;
    [[no_unique_address]] ref<Secondary> secondary_;
};

}  // namespace ashlar
