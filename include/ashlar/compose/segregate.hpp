// ashlar/compose/segregate.hpp - the size of a request chooses the allocator.
//
// Layer:      compose
// Source:     Alexandrescu's Segregator (D, std.experimental.allocator); variadic, not nested.
// Picture:    segregate<up_to<64, pool>, up_to<4096, heap>, page<>>
//             sizes:  1 ....... 64 | 65 ......... 4096 | 4097 ...
//                        pool              heap            page<>
// Complexity: a comparison a step; nothing is stored with a block.
// Failure:    refuses when the allocator of that size does; no other one is asked.
// Threads:    as the weakest of them.
// Invariants: segregate.I1  every layout that fits a block leads to the allocator that granted it
// Checked by: tests/compose/segregate_test.cpp
//
// A block may be given back with any size between asked and granted, so no block is granted longer than the threshold
// of its step, whatever its allocator says (segregate.I1). For the same reason an in-place operation that would
// pass a threshold is refused; reallocate then moves the block. Not walkable: a free range serves sizes of its step only.
#pragma once

#include <cstring>
#include <tuple>
#include <type_traits>

#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// A step of segregate: sizes up to Threshold, and above that of the step before, are A's.
template <std::size_t Threshold, allocator A>
struct up_to {
    static constexpr std::size_t threshold = Threshold;
    using allocator_type = A;
};

namespace detail {
template <class Step>
struct size_step {  // the last: whatever is larger
    static constexpr std::size_t threshold = layout::max_size;
    using allocator_type = Step;
};
template <std::size_t Threshold, class A>
struct size_step<up_to<Threshold, A>> : up_to<Threshold, A> {};

template <class Step>
using step_allocator = typename size_step<Step>::allocator_type;

template <class... Steps>
consteval bool thresholds_ascend() {
    const std::size_t all[] = {size_step<Steps>::threshold...};
    for (std::size_t i = 1; i < sizeof...(Steps); ++i) {
        if (all[i - 1] == 0 || all[i - 1] >= all[i]) return false;
    }
    return true;
}
}  // namespace detail

/// Steps: up_to<threshold, allocator> with ascending thresholds, and last the allocator of all larger sizes.
template <class... Steps>
class segregate {
    static_assert(sizeof...(Steps) >= 2, "segregate needs a step and an allocator for what is larger");
    static_assert(detail::thresholds_ascend<Steps...>(), "the thresholds of segregate must ascend");

    template <std::size_t I>
    using step = detail::size_step<std::tuple_element_t<I, std::tuple<Steps...>>>;

public:
    static constexpr bool is_thread_safe = (thread_safe<detail::step_allocator<Steps>> && ...);
    static constexpr bool deallocate_is_optional =
        (optional_deallocate<detail::step_allocator<Steps>> && ...);

    explicit segregate(ref<detail::step_allocator<Steps>>... members) noexcept
        : members_(members...) {}
    segregate() noexcept
        requires(stateless<detail::step_allocator<Steps>> && ...)
    = default;
    segregate(const segregate&) = delete;
    segregate& operator=(const segregate&) = delete;

    result<block> allocate(layout l) noexcept {
        return at(l.size(), [&](auto& a, std::size_t most) { return within(a.allocate(l), most); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        at(l.size(), [&](auto& a, std::size_t) { a.deallocate(p, l); });  // segregate.I1
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires(growable<detail::step_allocator<Steps>> || ...)
    {
        return at(old.size(), [&](auto& a, std::size_t most) -> result<block> {
            if (now.size() > most) return alloc_error{};
            return within(ashlar::grow_in_place(a, p, old, now), most);
        });
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires(shrinkable<detail::step_allocator<Steps>> || ...)
    {
        return at(old.size(), [&](auto& a, std::size_t most) -> result<block> {
            if (step_of(now.size()) != step_of(old.size())) return alloc_error{};
            return within(ashlar::shrink_in_place(a, p, old, now), most);
        });
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires(reallocating<detail::step_allocator<Steps>> || ...)
    {
        if (step_of(now.size()) == step_of(old.size())) {
            return at(old.size(), [&](auto& a, std::size_t most) {
                return within(ashlar::reallocate(a, p, old, now, live_bytes), most);
            });
        }
        const auto moved = allocate(now);
        if (!moved) return moved;
        std::memcpy(moved->data, p, live_bytes);
        deallocate(p, old);
        return moved;
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires(zeroing<detail::step_allocator<Steps>> || ...)
    {
        return at(l.size(), [&](auto& a, std::size_t most) { return within(ashlar::allocate_zeroed(a, l), most); });
    }
    void reset() noexcept
        requires(resettable<detail::step_allocator<Steps>> && ...)
    {
        std::apply([](auto... members) { (members->reset(), ...); }, members_);
    }
    void trim() noexcept
        requires(trimmable<detail::step_allocator<Steps>> || ...)
    {
        std::apply([](auto... members) { (ashlar::trim(*members), ...); }, members_);
    }
    bool available(layout l) const noexcept
        requires(forecasting<detail::step_allocator<Steps>> && ...)
    {
        return at(l.size(), [&](auto& a, std::size_t) { return a.available(l); });
    }
    bool owns(const std::byte* p) const noexcept
        requires(owning<detail::step_allocator<Steps>> && ...)
    {
        return std::apply([&](auto... members) { return (members->owns(p) || ...); }, members_);
    }

private:
    static constexpr std::size_t step_of(std::size_t size) noexcept {
        return ((size > detail::size_step<Steps>::threshold ? 1U : 0U) + ...);
    }
    /// act(allocator, threshold) with the allocator that serves the size
    template <std::size_t I = 0, class Act>
    decltype(auto) at(std::size_t size, Act act) const noexcept {
        if constexpr (I + 1 < sizeof...(Steps)) {
            if (size > step<I>::threshold) return at<I + 1>(size, act);
        }
        return act(*std::get<I>(members_), step<I>::threshold);
    }
    static result<block> within(result<block> granted, std::size_t most) noexcept {
        if (!granted || granted->size <= most) return granted;
        return block{granted->data, most};
    }

    [[no_unique_address]] std::tuple<ref<detail::step_allocator<Steps>>...> members_;
};

}  // namespace ashlar
