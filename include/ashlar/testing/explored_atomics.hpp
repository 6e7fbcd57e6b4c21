// ashlar/testing/explored_atomics.hpp - the atomics policy of the explorer: each operation is a step that it orders.
//
// Layer:      testing
// Complexity: a change of stacks an operation; outside of an exploration's threads that of the memory.
// Failure:    none.
// Threads:    those of an explored scenario; outside of one, one thread at a time.
// Checked by: tests/testing/explored_atomics_test.cpp, tests/testing/explore_test.cpp
//
// The same size as the types they stand for, so that what is computed from sizes is as in production: what the explorer
// knows of a word it keeps by the word's address. Where an operation stands in the source is told by its last argument.
#pragma once

#include <concepts>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/testing/explorer.hpp"

namespace ashlar::testing {

namespace detail {
using where = std::source_location;

template <class T>
std::uint64_t bits_of(T value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class T>
T value_of(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline explored_site site_of(const where& at, const char* operation, memory_order order, memory_order failure = memory_order_relaxed) noexcept {
    return {at.file_name(), at.line(), at.column(), operation, order, failure};
}
inline void step(const step_request& r) noexcept {
    step_request copy = r;
    if (explorer* const e = explorer::inside()) e->step(copy);
}
}  // namespace detail

template <class T>
class explored_atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
    using where = detail::where;
    template <class Order>
    static constexpr memory_order order(Order o) noexcept { return static_cast<memory_order>(static_cast<int>(o)); }
    static constexpr auto strictest = memory_order::seq_cst;

public:
    explored_atomic() noexcept : explored_atomic(T()) {}
    explored_atomic(T value) noexcept : value_(value) {
        if (explorer* const e = explorer::inside()) e->construct(this);
    }
    explored_atomic(const explored_atomic&) = delete;
    explored_atomic& operator=(const explored_atomic&) = delete;

    template <class Order = memory_order>
    T load(Order o = Order(strictest), const where& at = where::current()) const noexcept {
        explorer* const e = explorer::inside();
        if (e == nullptr) return value_;
        step_request r = request(step_kind::load, detail::site_of(at, "load", order(o)), 0);
        e->step(r);
        return detail::value_of<T>(r.seen);
    }
    template <class Order = memory_order>
    void store(T value, Order o = Order(strictest), const where& at = where::current()) noexcept {
        explorer* const e = explorer::inside();
        if (e == nullptr) return static_cast<void>(value_ = value);
        step_request r = request(step_kind::store, detail::site_of(at, "store", order(o)), detail::bits_of(value));
        e->step(r);
    }
    template <class Order = memory_order>
    T exchange(T value, Order o = Order(strictest), const where& at = where::current()) noexcept {
        return change<[](T, T now) { return now; }>(value, detail::site_of(at, "exchange", order(o)));
    }
    template <class Order = memory_order, class Failure = memory_order>
    bool compare_exchange_strong(T& expected, T value, Order o = Order(strictest), Failure f = Failure(strictest),
                                 const where& at = where::current()) noexcept {
        explorer* const e = explorer::inside();
        step_request r = request(step_kind::compare, detail::site_of(at, "compare_exchange", order(o), order(f)), detail::bits_of(value));
        r.expected = detail::bits_of(expected);
        if (e != nullptr) {
            e->step(r);
        } else {
            r.seen = detail::bits_of(value_);
            r.done = r.seen == r.expected;
            if (r.done) value_ = value;
        }
        if (!r.done) expected = detail::value_of<T>(r.seen);
        return r.done;
    }
    template <class Order = memory_order, class Failure = memory_order>
    bool compare_exchange_weak(T& expected, T value, Order o = Order(strictest), Failure f = Failure(strictest),
                               const where& at = where::current()) noexcept {
        return compare_exchange_strong(expected, value, o, f, at);
    }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_add(T n, Order o = Order(strictest), const where& at = where::current()) noexcept {
        return change<[](T old, T by) { return static_cast<T>(old + by); }>(n, detail::site_of(at, "fetch_add", order(o)));
    }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_sub(T n, Order o = Order(strictest), const where& at = where::current()) noexcept {
        return change<[](T old, T by) { return static_cast<T>(old - by); }>(n, detail::site_of(at, "fetch_sub", order(o)));
    }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_or(T n, Order o = Order(strictest), const where& at = where::current()) noexcept {
        return change<[](T old, T by) { return static_cast<T>(old | by); }>(n, detail::site_of(at, "fetch_or", order(o)));
    }
    template <class Order = memory_order>
        requires std::integral<T>
    T fetch_and(T n, Order o = Order(strictest), const where& at = where::current()) noexcept {
        return change<[](T old, T by) { return static_cast<T>(old & by); }>(n, detail::site_of(at, "fetch_and", order(o)));
    }

private:
    step_request request(step_kind kind, explored_site site, std::uint64_t operand) const noexcept {
        step_request r{kind, site};
        r.address = const_cast<T*>(&value_);
        r.size = sizeof(T);
        r.operand = operand;
        return r;
    }
    template <auto Change>
    T change(T operand, explored_site site) noexcept {
        explorer* const e = explorer::inside();
        step_request r = request(step_kind::modify, site, detail::bits_of(operand));
        if (e == nullptr) {
            const T before = value_;
            value_ = Change(before, operand);
            return before;
        }
        r.changed = [](std::uint64_t old, std::uint64_t by) {
            return detail::bits_of(Change(detail::value_of<T>(old), detail::value_of<T>(by)));
        };
        e->step(r);
        return detail::value_of<T>(r.seen);
    }
    alignas(sizeof(T)) T value_;
};

/// A word that is handed from thread to thread: two that use it at once, of which one writes, are a data race.
template <class T>
class explored_plain {
public:
    explored_plain() noexcept : explored_plain(T()) {}
    explored_plain(T value) noexcept : value_(value) { wrote(); }
    explored_plain(const explored_plain& o) noexcept : explored_plain(static_cast<T>(o)) {}
    explored_plain& operator=(const explored_plain& o) noexcept { return *this = static_cast<T>(o); }
    explored_plain& operator=(T value) noexcept {
        wrote();
        value_ = value;
        return *this;
    }
    operator T() const noexcept {
        if (explorer* const e = explorer::inside()) e->read_plain(this);
        return value_;
    }
    T operator->() const noexcept
        requires std::is_pointer_v<T>
    {
        return static_cast<T>(*this);
    }

private:
    void wrote() noexcept {
        if (explorer* const e = explorer::inside()) e->write_plain(this);
    }
    T value_;
};

struct explored_atomics {
    template <class T>
    using atomic = explored_atomic<T>;
    template <class T>
    using plain = explored_plain<T>;

    /// The thread does not go on until something that it has read since it last paused was written.
    static void pause(const detail::where& at = detail::where::current()) noexcept {
        detail::step({step_kind::wait, detail::site_of(at, "waits", memory_order_relaxed)});
    }
    static void fence(memory_order o, const detail::where& at = detail::where::current()) noexcept {
        detail::step({step_kind::fence, detail::site_of(at, "fence", o)});
    }
    /// As membarrier(2): a seq_cst fence in every thread. Wants explore_options::every_order.
    static void fence_everywhere(const detail::where& at = detail::where::current()) noexcept {
        detail::step({step_kind::fence_everywhere, detail::site_of(at, "fence everywhere", memory_order_seq_cst)});
    }
};

/// As for ashlar::atomic.
template <std::unsigned_integral T>
T sum_with(const explored_atomic<T>& a, T n, const detail::where& at = detail::where::current()) noexcept {
    return static_cast<T>(n + a.load(memory_order_relaxed, at));
}

static_assert(atomics_policy<explored_atomics>);
static_assert(sizeof(explored_atomic<bool>) == 1 && sizeof(explored_plain<void*>) == sizeof(void*));

}  // namespace ashlar::testing
