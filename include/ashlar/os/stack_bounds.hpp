// ashlar/os/stack_bounds.hpp - where a stack lies, how much of it is left, and how much was ever used.
//
// Layer:      os
// Source:     pthread_getattr_np(3), getrlimit(2) "RLIMIT_STACK", Linux Documentation/admin-guide/mm (what /proc tells of pages).
// Picture:    [ guard | never touched . . . . | was used | in use ]     low is behind the guard, high where it began
//                     ^ low            peak --^          ^ stack pointer                       ^ high
// Complexity: check_stack: 14 instructions at most after a thread's first call; that call, and the first after the
//             thread went to another registered stack, look for the stack: O(registered stacks). The others: system calls.
// Failure:    bounds that cannot be told are empty; check_stack then refuses. errno is kept.
// Threads:    any. this_stack, check_stack, stack_left and stack_peak may be called in a signal handler once the thread has
//             called one of them.
// Checked by: tests/os/stack_bounds_test.cpp, tests/budgets/stacks.cpp
//
// The main thread's stack grows until RLIMIT_STACK, or until the gap that the kernel keeps to the mapping below it. A limit that is
// lowered later is seen by own_stack(). What a thread keeps at the top of its stack (thread-local data, the environment)
// counts as used. A signal handler without an alternate stack needs its share too: ask check_stack for that much more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/atomics.hpp"

namespace ashlar::os {

struct stack_bounds {
    std::byte* low = nullptr;   ///< the lowest byte that may be used
    std::byte* high = nullptr;  ///< behind the last one; stacks grow downwards
    std::size_t guard = 0;      ///< bytes below low that fault, as far as they are known
    bool grows = false;         ///< the main thread's: the kernel adds pages down to low as they are touched

    std::size_t size() const noexcept { return static_cast<std::size_t>(high - low); }
    bool empty() const noexcept { return low == high; }
    bool holds(const void* p) const noexcept { return p >= low && p < high; }
    friend bool operator==(const stack_bounds&, const stack_bounds&) = default;
};

/// pthread_t, which is what std::thread::native_handle() gives.
using thread_handle = unsigned long;

/// The stack that the calling thread began on, asked anew.
stack_bounds own_stack() noexcept;
/// The stack under the stack pointer now: own_stack(), or a registered one (foreign_stack.hpp).
stack_bounds this_stack() noexcept;
/// That of another thread; allocates. @pre the thread has neither been joined nor ended detached
stack_bounds stack_of(thread_handle thread) noexcept;

/// Bytes from high down to the lowest page that was ever touched, since the stack was mapped or the peak was restarted; 0 if
/// none was. Precision: a page. A page counts once it was written, by whatever used that memory: a thread's stack that glibc reuses
/// shows up to 20 KiB of the thread before. Of a huge page, whose untouched parts are present too, only what is not zero
/// counts. Memory that is locked or populated as a whole was touched as a whole.
std::size_t stack_peak(const stack_bounds& stack) noexcept;
/// Gives what lies below the caller's frame back to the system, so that the peak of this_stack() counts from here.
/// @returns false where the system refuses: locked pages
bool restart_stack_peak() noexcept;

namespace detail {
/// What the calling thread last ran on; wrong once any registered stack has ended.
struct stack_window {
    std::uintptr_t low;
    std::size_t size;  ///< 0 while nothing is known
    std::uint64_t as_of;
};
extern constinit thread_local stack_window window;
extern constinit atomic<std::uint64_t> stacks_ended;
/// Finds the stack that `here` lies in and asks again. @returns bytes left, 0 if none is known
std::size_t find_stack_left(std::uintptr_t here, std::size_t wanted) noexcept;
/// own_stack() as it was last asked; empty if it never was.
stack_bounds known_own_stack() noexcept;

[[gnu::always_inline]] inline std::uintptr_t stack_pointer() noexcept {
#if defined(__x86_64__)
    std::uintptr_t here;
    __asm__("movq %%rsp, %0" : "=r"(here));
    return here;
#elif defined(__aarch64__)
    std::uintptr_t here;
    __asm__("mov %0, sp" : "=r"(here));
    return here;
#else
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
#endif
}
}  // namespace detail

/// @returns whether that many bytes below the stack pointer may be used: to be asked before a recursion goes deeper
inline bool check_stack(std::size_t bytes) noexcept {
    const std::uintptr_t here = detail::stack_pointer();
    const std::size_t left = here - detail::window.low;
    // relaxed: which stack this is tells the program that switched to it, not this count
    if (left >= detail::window.size || bytes > left ||
        detail::window.as_of != detail::stacks_ended.load(memory_order_relaxed)) [[unlikely]] {
        return detail::find_stack_left(here, bytes) >= bytes;
    }
    return true;
}

/// Bytes between the stack pointer and the end of the stack; 0 where that is not known.
inline std::size_t stack_left() noexcept { return detail::find_stack_left(detail::stack_pointer(), 0); }

}  // namespace ashlar::os
