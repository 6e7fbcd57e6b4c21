// src/observe/unwind/rule_cache.hpp - the rules of all addresses seen so far, for all threads.
//
// Layer:      observe
// Source:     open addressing with a short probe. As rules are one word that seals the address it is for, neither readers
//             nor writers need a lock (rule.hpp).
// Picture:    slots_[hash(pc)] = { pc, rule }        a module goes away: epoch_ + 1, and all rules are void at once
// Complexity: find O(1), one cache line as a rule. 2 MiB of address space, of which what is used is resident.
// Failure:    without memory for the table nothing is kept, and every rule is compiled each time.
// Threads:    any.
// Invariants: rule_cache.I1  a rule that is returned was compiled for that pc in the present epoch
// Checked by: tests/observe/unwind
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rule.hpp"

namespace ashlar::unwind {

class rule_cache {
public:
    constexpr rule_cache() noexcept = default;

    struct slot {
        std::atomic<std::uintptr_t> pc;
        std::atomic<std::uint64_t> word;
    };

    /// The table as one walk sees it.
    class view {
    public:
        explicit view(rule_cache& of) noexcept
            : of_(of), all_(of.slots_.load(std::memory_order_acquire)),  // pairs with the release in prepare()
              epoch_(of.epoch_.load(std::memory_order_relaxed)) {}

        /// @returns the rule for pc, compiled if it is not known
        [[gnu::always_inline]] rule find(std::uintptr_t pc) const noexcept {
            if (all_ != nullptr) [[likely]] {
                const slot& s = all_[home(pc)];
                const std::uint64_t word = s.word.load(std::memory_order_relaxed);
                const bool sealed = ((word ^ seal_of(pc, epoch_)) & seal_bits) == 0 && (word & 0xF) != 0;
                if (sealed && s.pc.load(std::memory_order_relaxed) == pc) [[likely]] return unpack(word);  // rule_cache.I1
            }
            return of_.find_further(pc);
        }

    private:
        rule_cache& of_;
        const slot* all_;
        std::uint32_t epoch_;
    };

    /// Makes the table. It is not needed before find(), but one thread at a time may call this.
    bool prepare() noexcept;

    /// A module is gone, and another may take its place: all that is known is void.
    void forget_all() noexcept;
    std::uint32_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }

private:
    static constexpr unsigned bits = 17;
    static constexpr std::size_t probes = 4;

    static std::size_t home(std::uintptr_t pc) noexcept {
        return static_cast<std::size_t>((pc * 0x9E3779B97F4A7C15U) >> (64 - bits));
    }
    [[gnu::noinline]] rule find_further(std::uintptr_t pc) noexcept;
    void keep(std::uintptr_t pc, std::uint64_t word) noexcept;

    std::atomic<slot*> slots_{nullptr};
    std::atomic<std::uint32_t> epoch_{1};
};

/// The process's.
extern constinit rule_cache rules;

}  // namespace ashlar::unwind
