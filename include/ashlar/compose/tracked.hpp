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
#include "ashlar/compose/forwarding.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

template <allocator A, class... Counters>
class tracked : public forwarding<tracked<A, Counters...>, A> {
    friend forwarding<tracked, A>;

public:
    static constexpr bool is_thread_safe = sizeof...(Counters) == 0 && thread_safe<A>;

    explicit tracked(ref<A> upstream) noexcept : upstream_(upstream) {}
    tracked() noexcept
        requires stateless<A>
    {}

    /// One of the counters, to read, to set up or to set back.
    template <class Counter>
    Counter& counter() noexcept {
        return counters_.template counter<Counter>();
    }
    template <class Counter>
    const Counter& counter() const noexcept {
        return counters_.template counter<Counter>();
    }

private:
    using counters = counter_set<Counters...>;

    // What forwarding says. tracked.I1: each operation says one of granted, resized, refused, leaving, forgotten.
    A& upstream() const noexcept { return *upstream_; }
    bool admits(layout) noexcept { return counters_.room(); }
    result<block> refused(layout l) noexcept {
        counters_.refusal(l);
        return alloc_error{};
    }
    result<block> granted(result<block> r, layout l) noexcept {
        if (!r) return refused(l);
        counters_.grant(r->data, l);
        return sized(*r, l);
    }
    result<block> resized(result<block> r, const resize_request& of) noexcept {
        if (!r) return refused(of.now);
        counters_.resize(of.p, of.old, r->data, of.now);
        return sized(*r, of.now);
    }
    void leaving(std::byte* p, layout l) noexcept { counters_.release(p, l); }
    void forgotten() noexcept { counters_.reset(); }
    static block sized(block b, layout l) noexcept { return counters::exact ? block{b.data, l.size()} : b; }

    [[no_unique_address]] ref<A> upstream_;
    [[no_unique_address]] counters counters_;
};

}  // namespace ashlar
