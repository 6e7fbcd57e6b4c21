// ashlar/compose/choice.hpp - a decision for each request which of several allocators serves it.
//
// Layer:      compose
// Source:     the choice of vecmem's resources; the seam for an allocator that learns from its requests.
// Complexity: the decision, and `owns` of up to all but the last when a block comes back.
// Failure:    refuses when the chosen one does; no other one is asked.
// Threads:    as the weakest of them and the decision.
// Invariants: choice.I1  a block belongs to the first allocator that owns it; the last has what no other owns
// Checked by: tests/compose/choice_test.cpp
//
// Decide is called with the layout and returns the index of an allocator. It may remember and change its mind: who granted
// a block is found by `owns`, never by deciding again. Not walkable: a free range serves only what is decided for it.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// @pre neither owns what another would grant
template <class Decide, allocator... A>
    requires(sizeof...(A) >= 2) && std::is_nothrow_invocable_r_v<std::size_t, Decide&, layout>
class choice {
    static constexpr std::size_t last = sizeof...(A) - 1;

    template <std::size_t... I>
    static consteval bool all_but_last_own(std::index_sequence<I...>) {
        return (owning<std::tuple_element_t<I, std::tuple<A...>>> && ...);
    }
    static_assert(all_but_last_own(std::make_index_sequence<last>()),
                  "all but the last allocator of a choice must be owning");

public:
    static constexpr bool is_thread_safe = std::is_empty_v<Decide> && (thread_safe<A> && ...);
    static constexpr bool deallocate_is_optional = (optional_deallocate<A> && ...);

    explicit choice(Decide decide, ref<A>... members) noexcept : decide_(std::move(decide)), members_(members...) {}
    choice(const choice&) = delete;
    choice& operator=(const choice&) = delete;

    result<block> allocate(layout l) noexcept {
        return at(decide_(l), [&](auto& a) { return a.allocate(l); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        at(granter(p), [&](auto& a) { a.deallocate(p, l); });
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires(growable<A> || ...)
    {
        return at(granter(p), [&](auto& a) { return ashlar::grow_in_place(a, p, old, now); });
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires(shrinkable<A> || ...)
    {
        return at(granter(p), [&](auto& a) { return ashlar::shrink_in_place(a, p, old, now); });
    }
    /// Stays with the granter: to move a block elsewhere is for its owner to ask.
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires(reallocating<A> || ...)
    {
        return at(granter(p), [&](auto& a) { return ashlar::reallocate(a, p, old, now, live_bytes); });
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires(zeroing<A> || ...)
    {
        return at(decide_(l), [&](auto& a) { return ashlar::allocate_zeroed(a, l); });
    }
    void reset() noexcept
        requires(resettable<A> && ...)
    {
        std::apply([](auto... members) { (members->reset(), ...); }, members_);
    }
    void trim() noexcept
        requires(trimmable<A> || ...)
    {
        std::apply([](auto... members) { (ashlar::trim(*members), ...); }, members_);
    }
    /// Only a decision that can be asked without being changed can be foretold.
    bool available(layout l) const noexcept
        requires(forecasting<A> && ...) && std::is_nothrow_invocable_r_v<std::size_t, const Decide&, layout>
    {
        return at(decide_(l), [&](auto& a) { return a.available(l); });
    }
    bool owns(const std::byte* p) const noexcept
        requires(owning<A> && ...)
    {
        return std::apply([&](auto... members) { return (members->owns(p) || ...); }, members_);
    }

    Decide& decision() noexcept { return decide_; }
    const Decide& decision() const noexcept { return decide_; }

private:
    /// choice.I1
    template <std::size_t I = 0>
    std::size_t granter(const std::byte* p) const noexcept {
        if constexpr (I < last) {
            if (!std::get<I>(members_)->owns(p)) return granter<I + 1>(p);
        }
        return I;
    }
    template <std::size_t I = 0, class Act>
    decltype(auto) at(std::size_t index, Act act) const noexcept {
        if constexpr (I < last) {
            if (index != I) return at<I + 1>(index, act);
        } else {
            ASHLAR_PRE(index == last);
        }
        return act(*std::get<I>(members_));
    }

    [[no_unique_address]] Decide decide_;
    [[no_unique_address]] std::tuple<ref<A>...> members_;
};

}  // namespace ashlar
