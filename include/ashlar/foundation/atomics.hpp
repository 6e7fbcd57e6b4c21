// ashlar/foundation/atomics.hpp - the seam between a concurrent protocol and its atomics.
//
// Layer:      foundation
// Source:     Norris, Demsky, "CDSchecker", OOPSLA 2013 (why a checker must own the atomics).
// Complexity: that of the machine's operation; std::atomic compiles to the same.
// Failure:    none.
// Threads:    what the policy's atomic promises.
// Checked by: tests/foundation/atomics_test.cpp
//
// A protocol (remote free, page ownership, static bump, shared pool, thread exit) is a template over an
// atomics policy P and declares its shared words as `typename P::template atomic<T>`, and the words that the
// protocol hands from thread to thread as `typename P::template plain<T>`. Production takes std_atomics; a
// model checker takes its own policy, which schedules every access and sees every race.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace ashlar {

/// The orders of memory accesses, by the numbers of the compiler's builtins, which are also those of std::memory_order.
enum class memory_order : int {
    relaxed = __ATOMIC_RELAXED,
    acquire = __ATOMIC_ACQUIRE,
    release = __ATOMIC_RELEASE,
    acq_rel = __ATOMIC_ACQ_REL,
    seq_cst = __ATOMIC_SEQ_CST
};
inline constexpr memory_order memory_order_relaxed = memory_order::relaxed;
inline constexpr memory_order memory_order_acquire = memory_order::acquire;
inline constexpr memory_order memory_order_release = memory_order::release;
inline constexpr memory_order memory_order_acq_rel = memory_order::acq_rel;
inline constexpr memory_order memory_order_seq_cst = memory_order::seq_cst;

/// One word that threads share: what of std::atomic a protocol uses, in the same spelling.
template <class T>
    requires(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(void*))
class atomic {
    template <class Order>
    static constexpr int number(Order o) noexcept {
        static_assert(std::is_enum_v<Order>);
        return static_cast<int>(o);
    }
    static constexpr auto strictest = memory_order::seq_cst;

public:
    constexpr atomic() noexcept : value_() {}
    constexpr atomic(T value) noexcept : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    template <class Order = memory_order>
    T load(Order o = Order(strictest)) const noexcept {
        T seen;
        __atomic_load(&value_, &seen, number(o));
        return seen;
    }
    template <class Order = memory_order>
    void store(T value, Order o = Order(strictest)) noexcept { __atomic_store(&value_, &value, number(o)); }
    template <class Order = memory_order>
    T exchange(T value, Order o = Order(strictest)) noexcept {
        T before;
        __atomic_exchange(&value_, &value, &before, number(o));
        return before;
    }
    /// @post on failure expected is what was seen
    template <class Order = memory_order, class Failure = memory_order>
    bool compare_exchange_weak(T& expected, T value, Order o = Order(strictest), Failure f = Failure(strictest)) noexcept {
        return __atomic_compare_exchange(&value_, &expected, &value, true, number(o), number(f));
    }
    template <class Order = memory_order, class Failure = memory_order>
    bool compare_exchange_strong(T& expected, T value, Order o = Order(strictest), Failure f = Failure(strictest)) noexcept {
        return __atomic_compare_exchange(&value_, &expected, &value, false, number(o), number(f));
    }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_add(T n, Order o = Order(strictest)) noexcept { return __atomic_fetch_add(&value_, n, number(o)); }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_sub(T n, Order o = Order(strictest)) noexcept { return __atomic_fetch_sub(&value_, n, number(o)); }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_or(T bits, Order o = Order(strictest)) noexcept { return __atomic_fetch_or(&value_, bits, number(o)); }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_and(T bits, Order o = Order(strictest)) noexcept { return __atomic_fetch_and(&value_, bits, number(o)); }

private:
    alignas(sizeof(T)) T value_;
};

/// @returns n + a.load(relaxed), by an addition with an operand in memory, which compilers do not make of an atomic load
template <std::unsigned_integral T>
T sum_with(const atomic<T>& a, T n) noexcept {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__("add %1, %0" : "+r"(n) : "m"(a) : "cc");
    return n;
#else
    return n + a.load(memory_order_relaxed);
#endif
}

/// The production policy: the machine's atomics, and plain words that are just words.
struct std_atomics {
    template <class T>
    using atomic = ashlar::atomic<T>;
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
    { word.load(memory_order_acquire) } -> std::convertible_to<std::uintptr_t>;
    word.store(expected, memory_order_release);
    { word.exchange(expected, memory_order_acq_rel) } -> std::convertible_to<std::uintptr_t>;
    {
        word.compare_exchange_weak(expected, expected, memory_order_acq_rel, memory_order_acquire)
    } -> std::convertible_to<bool>;
    typename P::template plain<std::uintptr_t>;
    P::pause();
};

static_assert(atomics_policy<std_atomics>);

}  // namespace ashlar
