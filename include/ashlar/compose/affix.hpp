// ashlar/compose/affix.hpp - an object before and an object after every block.
//
// Layer:      compose
// Source:     AffixAllocator of D's std.experimental.allocator.
// Picture:    upstream's block: [ Prefix . . | block, as it was asked for | . Suffix ]
// Complexity: two constructions and a larger request more than the upstream's operation.
// Failure:    that of the upstream, and where the larger layout would pass PTRDIFF_MAX.
// Threads:    as the upstream.
// Invariants: affix.I1  a block of layout l begins offset(l) bytes into the upstream's, which has layout whole(l)
// Checked by: tests/compose/affix_test.cpp
//
// The suffix is found by the size, so a block is granted just as long as it was asked for. The block's alignment is kept:
// the prefix takes a multiple of it. Prefix and Suffix live in bytes that move with the block: trivially copyable.
#pragma once

#include <cstring>
#include <new>
#include <type_traits>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// Nothing before, or nothing after.
struct no_affix {};

template <class Prefix, class Suffix, allocator A>
    requires std::is_trivially_copyable_v<Prefix> && std::is_trivially_copyable_v<Suffix> &&
             std::is_nothrow_default_constructible_v<Prefix> && std::is_nothrow_default_constructible_v<Suffix>
class affix {
public:
    static constexpr bool is_thread_safe = thread_safe<A>;
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit affix(ref<A> upstream) noexcept : upstream_(upstream) {}
    affix() noexcept
        requires stateless<A>
    = default;
    affix(const affix&) = delete;
    affix& operator=(const affix&) = delete;

    result<block> allocate(layout l) noexcept {
        const auto w = whole(l);
        return w ? dressed(upstream_->allocate(*w), l) : alloc_error{};
    }
    void deallocate(std::byte* p, layout l) noexcept { upstream_->deallocate(p - offset(l), *whole(l)); }

    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        const auto w = whole(now);
        if (!w) return alloc_error{};
        const Suffix kept = suffix(p, old);
        return moved(upstream_->grow_in_place(p - offset(old), *whole(old), *w), kept, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        const Suffix kept = suffix(p, old);
        return moved(upstream_->shrink_in_place(p - offset(old), *whole(old), *whole(now)), kept, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        const auto w = whole(now);
        if (!w) return alloc_error{};
        const Suffix kept = suffix(p, old);
        const Prefix first = prefix(p);
        if (offset(old) == offset(now)) {
            return moved(upstream_->reallocate(p - offset(old), *whole(old), *w, offset(old) + live_bytes), kept, now);
        }
        // Another alignment puts the block elsewhere in the upstream's: it must be copied by its own beginning.
        const auto fresh = allocate(now);
        if (!fresh) return fresh;
        std::memcpy(fresh->data, p, live_bytes);
        prefix(fresh->data) = first;
        suffix(fresh->data, now) = kept;
        deallocate(p, old);
        return fresh;
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        const auto w = whole(l);
        return w ? dressed(upstream_->allocate_zeroed(*w), l) : alloc_error{};
    }
    void reset() noexcept
        requires resettable<A>
    {
        upstream_->reset();
    }
    void trim() noexcept
        requires trimmable<A>
    {
        upstream_->trim();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        const auto w = whole(l);
        return w && upstream_->available(*w);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        upstream_->for_each_free(visit);
    }

    /// What stands before the live block p.
    static Prefix& prefix(std::byte* p) noexcept {
        return *std::launder(reinterpret_cast<Prefix*>(p - sizeof(Prefix)));
    }
    /// What stands after the live block p. @pre l is the layout it was last asked with
    static Suffix& suffix(std::byte* p, layout l) noexcept {
        return *std::launder(reinterpret_cast<Suffix*>(p + suffix_at(l)));
    }
    /// What the upstream is asked for.
    static constexpr result<layout> whole(layout l) noexcept {
        const auto with_prefix = layout::of<Prefix>().extend(l);
        if (!with_prefix) return alloc_error{};
        // The prefix stands next to the block, its padding before it: offset(l) is a multiple of both alignments.
        const auto body = layout::make(offset(l) + l.size(), with_prefix->whole.align());
        if (!body) return alloc_error{};
        if constexpr (std::is_empty_v<Suffix>) return body;
        return body->extend(layout::of<Suffix>()).transform([](extended_layout e) noexcept { return e.whole; });
    }
    static constexpr std::size_t offset(layout l) noexcept {
        if constexpr (std::is_empty_v<Prefix>) return 0;
        const std::size_t align = l.align() > alignof(Prefix) ? l.align() : alignof(Prefix);
        return align_up(sizeof(Prefix), align);
    }

private:
    static constexpr std::size_t suffix_at(layout l) noexcept {
        return align_up(offset(l) + l.size(), alignof(Suffix)) - offset(l);
    }
    static result<block> dressed(result<block> r, layout l) noexcept {
        if (!r) return r;
        std::byte* const p = r->data + offset(l);  // affix.I1
        if constexpr (!std::is_empty_v<Prefix>) ::new (p - sizeof(Prefix)) Prefix();
        if constexpr (!std::is_empty_v<Suffix>) ::new (p + suffix_at(l)) Suffix();
        return block{p, l.size()};
    }
    static result<block> moved(result<block> r, const Suffix& kept, layout now) noexcept {
        if (!r) return r;
        std::byte* const p = r->data + offset(now);
        if constexpr (!std::is_empty_v<Suffix>) ::new (p + suffix_at(now)) Suffix(kept);
        return block{p, now.size()};
    }

    [[no_unique_address]] ref<A> upstream_;
};

}  // namespace ashlar
