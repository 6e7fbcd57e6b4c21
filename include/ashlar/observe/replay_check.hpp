// ashlar/observe/replay_check.hpp - a replay that looks at every block, to see whether the heap is right at all.
//
// Layer:      observe
// Source:     Wilson et al., "Dynamic storage allocation: a survey and critical review", 1995 (what a heap owes).
// Picture:    grant: every byte of the block := stamp(slot)     end of life: every byte must still be that
// Complexity: linear in the bytes allocated.
// Failure:    stops at the first fault and names it.
// Threads:    one.
// Invariants: replay_check.I1  two live blocks with a common byte are found at the end of the first one's life
// Checked by: tests/observe/replay_check_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ashlar/observe/replay_loop.hpp"

namespace ashlar {

/// What a checked replay found wrong.
enum class replay_fault : std::uint32_t {
    none,
    misaligned,  ///< a block is not where its alignment asks
    not_zeroed,  ///< a zeroed block is not zero
    not_kept,    ///< a reallocation lost contents
    overwritten, ///< a live block's contents changed: it overlaps another, or the heap wrote into it
};

struct replay_finding {
    std::uint64_t step = 0;  ///< the first step that was not done, or was done wrongly
    replay_fault fault = replay_fault::none;
};

namespace detail {

/// Different for different slots at once, and for one slot's successive blocks.
constexpr std::uint64_t stamp_of(std::uint64_t slot, std::uint64_t generation) noexcept {
    return (slot * 0x9e3779b97f4a7c15u) ^ (generation * 0xc2b2ae3d27d4eb4fu) ^ 0x5a5a5a5a5a5a5a5au;
}

inline void write_stamp(std::byte* p, std::uint64_t size, std::uint64_t stamp) noexcept {
    std::uint64_t at = 0;
    for (; at + 8 <= size; at += 8) std::memcpy(p + at, &stamp, 8);
    if (at < size) std::memcpy(p + at, &stamp, size - at);
}

inline bool has_stamp(const std::byte* p, std::uint64_t size, std::uint64_t stamp) noexcept {
    std::uint64_t at = 0;
    for (; at + 8 <= size; at += 8) {
        if (std::memcmp(p + at, &stamp, 8) != 0) return false;
    }
    return at == size || std::memcmp(p + at, &stamp, size - at) == 0;
}

inline bool all_zero(const std::byte* p, std::uint64_t size) noexcept { return has_stamp(p, size, 0); }

template <replay_heap H>
replay_fault check_grant(const replay_step& step, const replay_slot& now, std::uint64_t kept, std::uint64_t stamp) noexcept {
    if (reinterpret_cast<std::uintptr_t>(now.data) % step.alignment() != 0) return replay_fault::misaligned;
    if (step.op == replay_op::allocate_zeroed && !all_zero(now.data, step.size)) return replay_fault::not_zeroed;
    if (step.op == replay_op::reallocate && !has_stamp(now.data, kept, stamp)) return replay_fault::not_kept;
    return replay_fault::none;
}

}  // namespace detail

/// Does one step, checking its block before and after. @returns false where it was not done or `fault` says what is wrong
template <replay_heap H>
bool check_step(H& heap, const replay_step& step, replay_slot& slot, std::uint32_t& generation, replay_fault& fault) noexcept {
    using namespace detail;
    const std::uint64_t stamp = stamp_of(step.slot, generation);
    const std::uint64_t kept = step.size < slot.size() ? step.size : slot.size();
    const bool ends = step.op == replay_op::deallocate || step.op == replay_op::reallocate;
    if (ends && !has_stamp(slot.data, slot.size(), stamp)) {
        fault = replay_fault::overwritten;
        return false;
    }
    if (!do_step(heap, step, slot)) return false;
    if (step.op == replay_op::deallocate) {
        slot.data = nullptr;
        return true;
    }
    fault = check_grant<H>(step, slot, kept, stamp);
    if (fault != replay_fault::none) return false;
    write_stamp(slot.data, slot.size(), stamp_of(step.slot, ++generation));
    return true;
}

/// Blocks whose life has no end yet (replay_check.I1).
inline replay_finding check_rest(std::uint64_t steps, std::span<const replay_slot> slots, std::span<const std::uint32_t> generations) noexcept {
    for (std::uint64_t s = 0; s < slots.size(); ++s) {
        if (slots[s].data != nullptr && !detail::has_stamp(slots[s].data, slots[s].size(), detail::stamp_of(s, generations[s]))) {
            return {steps - 1, replay_fault::overwritten};
        }
    }
    return {steps, replay_fault::none};
}

/// Does the steps, checking every block when it is granted, moved and given back, and those left at the end.
/// `generations` has one entry a slot, 0 at first.
template <replay_heap H>
replay_finding replay_checked(H& heap, std::span<const replay_step> steps, std::span<replay_slot> slots,
                              std::span<std::uint32_t> generations) noexcept {
    for (std::uint64_t i = 0; i < steps.size(); ++i) {
        replay_fault fault = replay_fault::none;
        if (!check_step(heap, steps[i], slots[steps[i].slot], generations[steps[i].slot], fault)) return {i, fault};
    }
    return check_rest(steps.size(), slots, generations);
}

}  // namespace ashlar
