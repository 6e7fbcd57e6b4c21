// ashlar/compose/forwarding.hpp - every operation of an upstream, with a word before it and a word after it.
//
// Layer:      compose
// Complexity: the upstream's operation and what Self's words cost; those that say nothing cost nothing.
// Failure:    that of the upstream; where Self admits no request, refuses without asking the upstream.
// Threads:    as Self and the upstream.
// Invariants: forwarding.I1  each operation says one word before and one after it reaches the upstream
// Checked by: tests/compose/forwarding_test.cpp, tests/compose/abilities_test.cpp
//
// An adaptor that watches derives from it, has upstream(), and says what it wants to say:
//   admits(l)                    before a request for a block; false refuses
//   would_admit(l) const         the same, asked by available: it must not change anything
//   granted(r, l)                after it; returns what the caller gets
//   admits_resize(request)       before a live block is resized or reallocated
//   resized(r, request)          after it
//   leaving(p, l)                before a block goes back
//   refused(l)                   when a request was not admitted; returns the refusal
//   forgotten()                  before a reset
#pragma once

#include "ashlar/foundation/allocator.hpp"

namespace ashlar {

/// A live block is to become longer or shorter where it stands, or may move.
struct resize_request {
    enum kind : unsigned char { grow, shrink, move };
    kind how;
    std::byte* p;
    layout old;
    layout now;
    std::size_t live_bytes;  ///< those that must be kept
};

template <class Self, allocator A>
class forwarding {
public:
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    forwarding(const forwarding&) = delete;
    forwarding& operator=(const forwarding&) = delete;

    result<block> allocate(layout l) noexcept {
        if (!self().admits(l)) return self().refused(l);
        return self().granted(self().upstream().allocate(l), l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        self().leaving(p, l);
        self().upstream().deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        return ask({resize_request::grow, p, old, now, old.size()},
                   [&]() noexcept { return self().upstream().grow_in_place(p, old, now); });
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        return ask({resize_request::shrink, p, old, now, now.size()},
                   [&]() noexcept { return self().upstream().shrink_in_place(p, old, now); });
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        return ask({resize_request::move, p, old, now, live_bytes},
                   [&]() noexcept { return self().upstream().reallocate(p, old, now, live_bytes); });
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        if (!self().admits(l)) return self().refused(l);
        return self().granted(self().upstream().allocate_zeroed(l), l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        self().forgotten();
        self().upstream().reset();
    }
    void trim() noexcept
        requires trimmable<A>
    {
        self().upstream().trim();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        return self().would_admit(l) && self().upstream().available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return self().upstream().owns(p);
    }
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        self().upstream().for_each_free(visit);
    }

protected:
    constexpr forwarding() noexcept = default;
    ~forwarding() = default;

    // What is said where Self says nothing.
    static bool admits(layout) noexcept { return true; }
    static bool would_admit(layout) noexcept { return true; }
    static result<block> granted(result<block> r, layout) noexcept { return r; }
    static bool admits_resize(const resize_request&) noexcept { return true; }
    static result<block> resized(result<block> r, const resize_request&) noexcept { return r; }
    static void leaving(std::byte*, layout) noexcept {}
    static result<block> refused(layout) noexcept { return alloc_error{}; }
    static void forgotten() noexcept {}

private:
    template <class Resize>
    result<block> ask(const resize_request& r, Resize resize) noexcept {
        if (!self().admits_resize(r)) return self().refused(r.now);
        return self().resized(resize(), r);
    }
    Self& self() noexcept { return static_cast<Self&>(*this); }
    const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

}  // namespace ashlar
