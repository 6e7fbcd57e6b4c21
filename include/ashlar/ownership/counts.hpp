// ashlar/ownership/counts.hpp - how many handles a block has: eight bytes in front of its value.
//
// Layer:      ownership
// Source:     Rust's Rc and Arc (the counts, and all strong handles together counting as one weak); Boehm, "The
//             space cost of lazy reference counting", POPL 2004 (why what is waiting to be destroyed needs a list).
// Picture:    alive    strong 1 ... 2^31-1             weak 1 + handles
//             dead     strong 0                        weak 1 + handles while the value is destroyed, then handles
//             waiting  strong 1 | link bits 0-30       link bits 31-44 | weak below 2^18
// Complexity: O(1); shared_counts: one atomic operation each, a compare-exchange loop to upgrade.
// Failure:    a count above 2^31-1 breaks a precondition.
// Threads:    local_counts: one at a time; shared_counts: any.
// Invariants: counts.I1  strong is the number of strong handles while the value is alive
//             counts.I2  weak is that of weak handles, and one more until the value has been destroyed
//             counts.I3  a waiting block carries the address of the next one, and looks dead to every weak handle
// Checked by: tests/ownership/counts_test.cpp
//
// A chain is destroyed without recursion: a block whose turn has not come waits in a list, and the list lives in the
// counts, of which a dead value needs only few bits. An address has 45 bits that matter (below 2^48, multiple of 8);
// 31 replace strong and 14 the top of weak. A weak handle to a dead value is never counted up (its copy is empty), so
// that weak stays below 2^18 while the block waits: only threads that had just seen it alive may add one each.
// Why so: docs/decisions/0004-what-waits-is-listed-in-its-counts.md.
#pragma once

#include <cstdint>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// The link of a waiting block, folded into the counts: strong is the low half of a word, weak the high half.
struct waiting_link {
    static constexpr std::uint32_t most_strong = 0x7fff'ffff;
    static constexpr std::uint64_t one_weak = std::uint64_t{1} << 32;
    /// With more weak handles a block does not wait. Room for 65,536 threads that are just adding one.
    static constexpr std::uint64_t most_weak = (std::uint64_t{1} << 18) - (std::uint64_t{1} << 16);

    static constexpr bool fits(std::uintptr_t next) noexcept { return next >> 48 == 0 && next % 8 == 0; }
    /// What is added to the word of a dead value to make it wait before `next`. @pre fits(next)
    static constexpr std::uint64_t folded(std::uintptr_t next) noexcept {
        const std::uint64_t bits = next / 8;
        return waiting | (bits & most_strong) | (bits >> 31) << 50;
    }
    static constexpr std::uintptr_t unfolded(std::uint64_t word) noexcept {
        return static_cast<std::uintptr_t>((word & most_strong) | (word >> 50) << 31) * 8;
    }
    /// Neither dead nor waiting.
    static constexpr bool is_alive(std::uint64_t word) noexcept {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(word)) > 0;
    }

private:
    static constexpr std::uint64_t waiting = 0x8000'0000;
};

/// For one thread at a time. Begins with one strong handle.
class local_counts {
public:
    /// @pre the value is alive, and has fewer than 2^31-1 handles
    void add_strong() noexcept {
        ++strong_;
        ASHLAR_PRE(static_cast<std::int32_t>(strong_) > 0);  // after the fact: the flags of the addition tell it
    }
    /// @returns whether it was the last: the caller then destroys the value and calls drop_weak
    bool drop_strong() noexcept { return --strong_ == 0; }  // counts.I1
    bool add_strong_if_alive() noexcept {
        if (!waiting_link::is_alive(strong_)) return false;
        add_strong();
        return true;
    }
    bool add_weak_if_alive() noexcept {
        if (!waiting_link::is_alive(strong_)) return false;
        ++weak_;
        ASHLAR_PRE(weak_ != 0);
        return true;
    }
    /// @returns whether nobody refers to the block any more
    bool drop_weak() noexcept { return --weak_ == 0; }  // counts.I2

    bool unique() const noexcept { return strong_ == 1 && weak_ == 1; }
    std::uint32_t strong() const noexcept { return waiting_link::is_alive(strong_) ? strong_ : 0; }
    /// @pre the value is alive
    std::uint32_t weak() const noexcept { return weak_ - 1; }

    /// Makes a dead value's block wait before `next`. @returns false, unchanged, when there is no room for the link
    bool wait(std::uintptr_t next) noexcept {
        if (!waiting_link::fits(next) || weak_ >= waiting_link::most_weak) return false;
        const std::uint64_t folded = waiting_link::folded(next);
        strong_ = static_cast<std::uint32_t>(folded);
        weak_ += static_cast<std::uint32_t>(folded >> 32);
        return true;
    }
    /// @returns what was given to wait. @post the value is dead, not waiting
    std::uintptr_t stop_waiting() noexcept {
        const std::uintptr_t next = waiting_link::unfolded(std::uint64_t{weak_} << 32 | strong_);
        strong_ = 0;
        weak_ -= static_cast<std::uint32_t>(waiting_link::folded(next) >> 32);
        return next;
    }

private:
    std::uint32_t strong_ = 1;
    std::uint32_t weak_ = 1;
};

/// For any threads. Both counts are in one atomic word, so that one load sees them together.
template <atomics_policy P = std_atomics>
class shared_counts {
public:
    void add_strong() noexcept {
        // relaxed: the caller holds a handle already, so nothing has to be seen that it did not see.
        [[maybe_unused]] const std::uint64_t before = word_.fetch_add(1, memory_order_relaxed);
        ASHLAR_PRE(static_cast<std::uint32_t>(before) < waiting_link::most_strong);
    }
    bool drop_strong() noexcept {
        // release: pairs with the acquire below in the thread that drops the last, which destroys what we wrote.
        if (static_cast<std::uint32_t>(word_.fetch_sub(1, memory_order_release)) != 1) return false;
        // acquire: pairs with the release of every drop before. A load, for a fence is hidden from the thread sanitizer.
        static_cast<void>(word_.load(memory_order_acquire));
        return true;
    }
    bool add_strong_if_alive() noexcept {
        std::uint64_t seen = word_.load(memory_order_relaxed);
        do {
            if (!waiting_link::is_alive(seen)) return false;
            ASHLAR_PRE(static_cast<std::uint32_t>(seen) < waiting_link::most_strong);
            // acquire: pairs with the release of drops, by whose owners the value may have been changed.
        } while (!word_.compare_exchange_weak(seen, seen + 1, memory_order_acquire, memory_order_relaxed));
        return true;
    }
    bool add_weak_if_alive() noexcept {
        // relaxed: only to stop counting up once the value is dead; the caller's own handle keeps the block.
        if (!waiting_link::is_alive(word_.load(memory_order_relaxed))) return false;
        word_.fetch_add(waiting_link::one_weak, memory_order_relaxed);
        return true;
    }
    bool drop_weak() noexcept {
        // acquire: pairs with the release below in the other handles; alone, there is nobody left to race with.
        if (word_.load(memory_order_acquire) == waiting_link::one_weak) return true;
        // release: pairs with the acquire of the last drop, which gives the block back.
        if (word_.fetch_sub(waiting_link::one_weak, memory_order_release) >> 32 != 1) return false;
        static_cast<void>(word_.load(memory_order_acquire));  // acquire: pairs with the release of the drops before
        return true;
    }

    bool unique() const noexcept {
        // acquire: pairs with the release of the drops, so that what other owners did to the value is seen.
        return word_.load(memory_order_acquire) == (waiting_link::one_weak | 1);
    }
    std::uint32_t strong() const noexcept {
        const std::uint64_t seen = word_.load(memory_order_relaxed);  // relaxed: a number of the past anyhow
        return waiting_link::is_alive(seen) ? static_cast<std::uint32_t>(seen) : 0;
    }
    std::uint32_t weak() const noexcept {
        return static_cast<std::uint32_t>(word_.load(memory_order_relaxed) >> 32) - 1;  // relaxed: as above
    }

    bool wait(std::uintptr_t next) noexcept {
        // relaxed, here and below: the strong half of a dead value is ours alone, and weak is only added to.
        if (!waiting_link::fits(next) || word_.load(memory_order_relaxed) >> 32 >= waiting_link::most_weak) return false;
        word_.fetch_add(waiting_link::folded(next), memory_order_relaxed);
        return true;
    }
    std::uintptr_t stop_waiting() noexcept {
        const std::uintptr_t next = waiting_link::unfolded(word_.load(memory_order_relaxed));
        word_.fetch_sub(waiting_link::folded(next), memory_order_relaxed);
        return next;
    }

private:
    typename P::template atomic<std::uint64_t> word_{waiting_link::one_weak | 1};
};

static_assert(sizeof(local_counts) == 8 && sizeof(shared_counts<>) == 8);

}  // namespace ashlar
