// ashlar/compose/tracked.hpp - count what is asked of an allocator; the counters are chosen at compile time.
//
// Layer:      compose
// Source:     StatsCollector of D's std.experimental.allocator.
// Complexity: that of the counters chosen; without any, the upstream's operation and no byte more.
// Failure:    the upstream's refusals, and those of a counter that needs memory (block_records).
// Threads:    one at a time; lock the whole with compose/locked.hpp.
// Invariants: tracked.I1  every counter is told of every grant, release, resize and refusal, once
// Checked by: tests/compose/tracked_test.cpp, tests/compose/counters_test.cpp
//
//   tracked<page<>, live_bytes, refusals> heap;
//   heap.counter<live_bytes>().value
// Where a counter needs exact sizes, a block is granted just as long as it was asked for.
#pragma once

#include "ashlar/compose/counters.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <allocator A, class... Counters>
class tracked : private Counters... {
public:
    static constexpr bool is_thread_safe = sizeof...(Counters) == 0 && thread_safe<A>;
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit tracked(ref<A> upstream) noexcept : upstream_(upstream) {}
    tracked() noexcept
        requires stateless<A>
    {}
    tracked(const tracked&) = delete;
    tracked& operator=(const tracked&) = delete;

    result<block> allocate(layout l) noexcept {
        if (!room()) return told_refusal(l);
        return told_grant(upstream_->allocate(l), l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        (tell_release<Counters>(p, l), ...);
        upstream_->deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        return told_resize(upstream_->grow_in_place(p, old, now), p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        return told_resize(upstream_->shrink_in_place(p, old, now), p, old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t kept_bytes) noexcept
        requires reallocating<A>
    {
        return told_resize(upstream_->reallocate(p, old, now, kept_bytes), p, old, now);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        if (!room()) return told_refusal(l);
        return told_grant(upstream_->allocate_zeroed(l), l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        (tell_reset<Counters>(), ...);
        upstream_->reset();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        return upstream_->available(l);
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

    /// One of the counters, to read, to set up or to set back.
    template <class Counter>
    Counter& counter() noexcept {
        return *this;
    }
    template <class Counter>
    const Counter& counter() const noexcept {
        return *this;
    }

private:
    template <class C>
    static constexpr bool wants_exact_sizes = requires { C::exact_sizes; };
    static constexpr bool exact = (wants_exact_sizes<Counters> || ...);

    template <class C>
    bool has_room() noexcept {
        if constexpr (requires(C& c) { c.make_room(); }) return C::make_room();
        return true;
    }
    bool room() noexcept { return (has_room<Counters>() && ...); }

    template <class C>
    void tell_grant([[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        if constexpr (requires(C& c) { c.on_grant(p, l); }) C::on_grant(p, l);
    }
    template <class C>
    void tell_release([[maybe_unused]] std::byte* p, [[maybe_unused]] layout l) noexcept {
        if constexpr (requires(C& c) { c.on_release(p, l); }) C::on_release(p, l);
    }
    template <class C>
    void tell_resize([[maybe_unused]] std::byte* p, [[maybe_unused]] layout old, std::byte* at, layout now) noexcept {
        if constexpr (requires(C& c) { c.on_resize(p, old, at, now); }) {
            C::on_resize(p, old, at, now);
        } else {
            tell_release<C>(p, old);
            tell_grant<C>(at, now);
        }
    }
    template <class C>
    void tell_refusal([[maybe_unused]] layout l) noexcept {
        if constexpr (requires(C& c) { c.on_refusal(l); }) C::on_refusal(l);
    }
    template <class C>
    void tell_reset() noexcept {
        if constexpr (requires(C& c) { c.on_reset(); }) C::on_reset();
    }

    // tracked.I1: each operation ends in one of these three, or has told a release or a reset.
    result<block> told_refusal(layout l) noexcept {
        (tell_refusal<Counters>(l), ...);
        return alloc_error{};
    }
    result<block> told_grant(result<block> r, layout l) noexcept {
        if (!r) return told_refusal(l);
        (tell_grant<Counters>(r->data, l), ...);
        return sized(*r, l);
    }
    result<block> told_resize(result<block> r, std::byte* p, layout old, layout now) noexcept {
        if (!r) return told_refusal(now);
        (tell_resize<Counters>(p, old, r->data, now), ...);
        return sized(*r, now);
    }
    static block sized(block b, layout l) noexcept { return exact ? block{b.data, l.size()} : b; }

    [[no_unique_address]] ref<A> upstream_;
};

}  // namespace ashlar
