// ashlar/foundation/atomics.hpp - the seam between a concurrent protocol and its atomics.
//
// Layer:      foundation
// Source:     Norris, Demsky, "CDSchecker", OOPSLA 2013 (why a checker must own the atomics).
// Complexity: std_atomics costs nothing over std::atomic.
// Failure:    none.
// Threads:    what the policy's atomic promises.
// Checked by: tests/foundation/atomics_test.cpp
//
// A protocol (remote free, page ownership, static bump, shared pool, thread exit) is a template over an
// atomics policy P and declares its shared words as `typename P::template atomic<T>`, and the words that the
// protocol hands from thread to thread as `typename P::template plain<T>`. Production takes std_atomics; a
// model checker takes its own policy, which schedules every access and sees every race.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

namespace ashlar {

/// The production policy: std::atomic, and plain words that are just words.
struct std_atomics {
    template <class T>
    using atomic = std::atomic<T>;
    template <class T>
    using plain = T;
    static void pause() noexcept {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }
};

template <class P>
concept atomics_policy = requires(typename P::template atomic<std::uintptr_t>& word, std::uintptr_t expected) {
    { word.load(std::memory_order_acquire) } -> std::convertible_to<std::uintptr_t>;
    word.store(expected, std::memory_order_release);
    { word.exchange(expected, std::memory_order_acq_rel) } -> std::convertible_to<std::uintptr_t>;
    {
        word.compare_exchange_weak(expected, expected, std::memory_order_acq_rel, std::memory_order_acquire)
    } -> std::convertible_to<bool>;
    typename P::template plain<std::uintptr_t>;
    P::pause();
};

static_assert(atomics_policy<std_atomics>);

}  // namespace ashlar
