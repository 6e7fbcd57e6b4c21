// ashlar/observe/replay_loop.hpp - do the steps of a script on a heap: for the whole's time, for each step's, or checked.
//
// Layer:      observe
// Source:     Delorie, glibc's malloc trace_run (tables outside the measured heap, memory touched as a program would).
// Picture:    steps [from, to) -> heap -> slots { address, size, alignment }
// Complexity: at most 12 instructions a step beside the heap's own, and the touching.
// Failure:    stops at the first step that the heap refuses, or whose blocks are wrong; says which.
// Threads:    one: the steps of all threads in the order they happened.
// Invariants: replay_loop.I1  a step that is not done leaves its slot as it was
// Checked by: tests/observe/replay_loop_test.cpp, tests/budgets/counted/replay_loop.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ashlar/observe/replay_clock.hpp"
#include "ashlar/observe/replay_heap.hpp"
#include "ashlar/observe/replay_script.hpp"

namespace ashlar {

/// Which bytes of a granted block are written, as its program would have written them.
enum class replay_touch : std::uint32_t {
    none,
    pages,  ///< the first byte, and one of every further 4 KiB
    all,
};

/// Where the block of a slot lies. The table belongs to the caller: it is not in the measured heap.
/// Size and alignment share a word, which is written whole: bit-fields would cost an engine four more instructions.
class replay_slot {
public:
    static constexpr std::uint64_t size_mask = (std::uint64_t{1} << 56) - 1;

    constexpr replay_slot() noexcept = default;
    constexpr replay_slot(std::byte* at, std::uint64_t size, std::uint8_t align_shift) noexcept
        : data(at), word_((size & size_mask) | std::uint64_t{align_shift} << 56) {}

    constexpr std::uint64_t size() const noexcept { return word_ & size_mask; }
    constexpr std::uint64_t alignment() const noexcept { return std::uint64_t{1} << (word_ >> 56); }

    std::byte* data = nullptr;

private:
    std::uint64_t word_ = 0;
};
static_assert(sizeof(replay_slot) == 16);

namespace detail {

/// @returns whether the step was done; if not, slot and heap are as they were (replay_loop.I1)
template <replay_heap H>
inline bool do_step(H& heap, const replay_step& step, replay_slot& slot) noexcept {
    std::byte* p = nullptr;
    switch (step.op) {
        case replay_op::deallocate: heap.deallocate(slot.data, step.size, step.alignment()); return true;
        case replay_op::allocate: p = heap.allocate(step.size, step.alignment()); break;
        case replay_op::allocate_zeroed: p = heap.allocate_zeroed(step.size, step.alignment()); break;
        case replay_op::reallocate:
            p = heap.reallocate(slot.data, slot.size(), slot.alignment(), step.size, step.alignment());
            break;
    }
    if (p == nullptr) return false;
    slot = replay_slot(p, step.size, step.align_shift);
    return true;
}

/// Volatile: the writes are the point, nobody reads them.
inline void touch_block(const replay_step& step, const replay_slot& slot, replay_touch touch) noexcept {
    if (step.op == replay_op::deallocate || touch == replay_touch::none) return;
    if (touch == replay_touch::all) {
        std::memset(slot.data, 0x5a, step.size);
        asm volatile("" : : "r"(slot.data) : "memory");
        return;
    }
    for (std::uint64_t at = 0; at < step.size; at += 4096) const_cast<volatile std::byte*>(slot.data)[at] = std::byte{0x5a};
}

}  // namespace detail

/// Does the steps [from, to). @returns the number of the first step that was not done: `to` if all were
template <replay_heap H>
std::uint64_t replay(H& heap, std::span<const replay_step> steps, std::span<replay_slot> slots, std::uint64_t from,
                     std::uint64_t to, replay_touch touch) noexcept {
    const replay_step* const end = steps.data() + to;
    for (const replay_step* step = steps.data() + from; step < end; ++step) {
        replay_slot& slot = slots[step->slot];
        if (!detail::do_step(heap, *step, slot)) return static_cast<std::uint64_t>(step - steps.data());
        detail::touch_block(*step, slot, touch);
    }
    return to;
}

/// The same, and the ticks of every step, without its touching, go to `best` where they are fewer than those there.
template <replay_heap H>
std::uint64_t replay_each(H& heap, std::span<const replay_step> steps, std::span<replay_slot> slots, std::uint64_t from,
                          std::uint64_t to, replay_touch touch, std::span<std::uint32_t> best) noexcept {
    for (std::uint64_t i = from; i < to; ++i) {
        replay_slot& slot = slots[steps[i].slot];
        const std::uint64_t begin = begin_ticks();
        const bool served = detail::do_step(heap, steps[i], slot);
        const std::uint64_t ticks = end_ticks() - begin;
        if (!served) return i;
        if (ticks < best[i]) best[i] = static_cast<std::uint32_t>(ticks);
        detail::touch_block(steps[i], slot, touch);
    }
    return to;
}

}  // namespace ashlar
