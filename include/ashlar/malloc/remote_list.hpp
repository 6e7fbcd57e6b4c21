// ashlar/malloc/remote_list.hpp - how blocks freed by other threads come home.
//
// Layer:      malloc
// Source:     Leijen, Zorn, de Moura, "Mimalloc: free list sharding in action", APLAS 2019 (a list per page);
//             Treiber, "Systems programming: coping with parallelism", IBM RJ 5118, 1986 (the stack).
// Picture:    any thread  -- push --> span.remote [count|first] -> block -> block
//             who pushed onto an empty list  -- announce --> heap.mail -> span -> span
//             owner  -- take_all --> spans -- take --> blocks
// Complexity: push: one compare-and-swap, and one more when the list was empty. take: one exchange.
// Failure:    none.
// Threads:    push and announce from any thread; take and take_all by the owner alone.
// Invariants: remote_list.I1  a span is in at most one mailbox, once: only the push that finds its list empty
//                             announces it, and the list stays non-empty until it was taken out of the mailbox
//             remote_list.I2  a block that was pushed is counted as used by its span until the owner took it,
//                             so a span with a message under way is never given back
// Checked by: tests/malloc/remote_list_test.cpp
//
// The whole protocol is in this file and over the atomics seam, so that a model checker can run it.
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/malloc/encoded_link.hpp"

namespace ashlar::malloc {

/// The blocks of one span that other threads freed: a stack, and how many they are.
template <atomics_policy Atomics>
class remote_list {
public:
    using node = free_block<Atomics>;
    struct taken {
        node* first;
        node* last;
        std::uint32_t count;
    };

    /// Adds the chain first..last of `count` blocks, whose links are encoded with `key`.
    /// @returns whether the list was empty: then announce the span
    bool push(node* first, node* last, std::uint32_t count, std::uintptr_t key) noexcept {
        std::uintptr_t old = word_.load(std::memory_order_relaxed);
        std::uintptr_t now{};
        do {
            last->set_next(reinterpret_cast<node*>(old & address_bits), key);
            now = reinterpret_cast<std::uintptr_t>(first) | ((old >> 48) + count) << 48;
            // release: pairs with the acquire in take(), publishes the links and what the threads wrote before.
            // acquire: pairs with the release in take(); who finds the list empty writes last_ and next_in_mail, and
            // must not do so before the owner has read them.
        } while (!word_.compare_exchange_weak(old, now, std::memory_order_acq_rel, std::memory_order_relaxed));
        if (old != 0) return false;
        last_ = last;  // read by take, which is after the announcement
        return true;
    }
    /// Takes all blocks. @pre the span was taken out of the mailbox (remote_list.I1)
    taken take() noexcept {
        node* const last = last_;  // before the exchange: then the next push finds the list empty, and writes it
        const std::uintptr_t word = word_.exchange(0, std::memory_order_acq_rel);  // pairs with push(), both ways
        return {reinterpret_cast<node*>(word & address_bits), last, static_cast<std::uint32_t>(word >> 48)};
    }
    bool empty() const noexcept { return word_.load(std::memory_order_relaxed) == 0; }
    /// How many there are at this moment.
    std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(word_.load(std::memory_order_relaxed) >> 48);
    }
    /// In the child of fork: what another thread was doing at that moment may be here in part only.
    void forget() noexcept { word_.store(0, std::memory_order_relaxed); }

private:
    static constexpr std::uintptr_t address_bits = (std::uintptr_t{1} << 48) - 1;
    typename Atomics::template atomic<std::uintptr_t> word_{0};
    typename Atomics::template plain<node*> last_{nullptr};  ///< the end of the chain
};

/// Where spans with remote frees wait for their owner. Span has a member `plain<Span*> next_in_mail`.
template <class Span, atomics_policy Atomics>
class mailbox {
public:
    void announce(Span* span) noexcept {
        Span* top = top_.load(std::memory_order_relaxed);
        do {
            span->next_in_mail = top;
            // release: pairs with the acquire in take_all(), publishes next_in_mail
        } while (!top_.compare_exchange_weak(top, span, std::memory_order_release, std::memory_order_relaxed));
    }
    /// @returns a chain by next_in_mail; read that link before taking the span's list (it may be announced again)
    Span* take_all() noexcept { return top_.exchange(nullptr, std::memory_order_acquire); }
    bool empty() const noexcept { return top_.load(std::memory_order_relaxed) == nullptr; }
    void forget() noexcept { top_.store(nullptr, std::memory_order_relaxed); }

private:
    typename Atomics::template atomic<Span*> top_{nullptr};
};

}  // namespace ashlar::malloc
