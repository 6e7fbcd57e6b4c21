// src/observe/unwind/stack_memory.hpp - which memory around a stack pointer can be read without a fault.
//
// Layer:      observe
// Picture:    [ unreadable | ... lowest_ (checked so far) ... | top_ )   the thread's own stack, trusted for good
//             elsewhere (coroutine, signal stack): page by page, each time anew
// Complexity: nothing once a page of the own stack was checked: one system call per page and thread.
// Failure:    covers() is false for what cannot be read.
// Threads:    one at a time: it belongs to a thread.
// Invariants: stack_memory.I1  [lowest_, top_) is mapped without a gap: it was checked, and is in use from there on
// Checked by: tests/observe/unwind
//
// A page is checked by rt_sigprocmask with an impossible request: the kernel reads the mask first, and says EFAULT if it
// cannot. No other page is trusted, because a guess that is wrong would end the program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::unwind {

/// Whether eight bytes at the address can be read. @pre they lie in one page
bool can_read(std::uintptr_t address) noexcept;

class stack_memory {
public:
    constexpr stack_memory() noexcept = default;

    /// Chooses what covers() trusts for a walk that begins at sp. @returns whether sp is in the thread's own stack
    bool begin(std::uintptr_t sp) noexcept {
        if (sp >= lowest_ && sp < top_) [[likely]] {
            low_ = lowest_;
            high_ = top_;
            return own_ = true;
        }
        return begin_elsewhere(sp);
    }

    /// @returns whether the word at the address can be read; it must be a multiple of 8
    [[gnu::always_inline]] bool covers(std::uintptr_t address) noexcept {
        if ((address & 7) != 0) [[unlikely]] return false;
        if (address - low_ < high_ - low_) [[likely]] return true;
        return own_ ? false : widen(address);
    }

    /// @returns whether nearly nothing of the thread's own stack lies beyond: who has no way out there was called by nobody
    bool at_top(std::uintptr_t sp) const noexcept { return own_ && sp + 64 >= top_; }

private:
    static constexpr std::uintptr_t page = 4096;         // the smallest there is: finer than need be, never coarser
    static constexpr std::uintptr_t most_pages = 16384;  // of the own stack that are checked at once: 64 MiB
    static constexpr std::uintptr_t most_elsewhere = 256;

    [[gnu::noinline]] bool begin_elsewhere(std::uintptr_t sp) noexcept;
    [[gnu::noinline]] bool widen(std::uintptr_t address) noexcept;
    bool extend_down(std::uintptr_t sp) noexcept;

    std::uintptr_t lowest_ = 0;
    std::uintptr_t top_ = 0;
    std::uintptr_t hole_ = 0;  ///< below this the own stack cannot be
    std::uintptr_t low_ = 0;   ///< what covers() trusts
    std::uintptr_t high_ = 0;
    bool own_ = false;         ///< that is the own stack
};

}  // namespace ashlar::unwind
