// ashlar/observe/realloc_chains.hpp - how blocks grow: how often each is reallocated, and what that moves.
//
// Layer:      observe
// Picture:    malloc 16 -> realloc 32 -> realloc 64 -> free: a chain of two reallocations
// Complexity: expected O(1) each. Memory: a slot of 64 bytes (1.5 to 3 slots) per live block that was reallocated, 80 per
//             number up to the greatest stack's.
// Failure:    std::bad_alloc.
// Threads:    one at a time.
// Invariants: realloc_chains.I1  the sums over lengths, and over stacks, are the totals
// Checked by: tests/observe/realloc_chains_test.cpp
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/observe/address_map.hpp"

namespace ashlar {

/// What reallocations cost; bytes are moved when the address changes: the lesser of the two sizes.
struct realloc_cost {
    std::uint64_t reallocations = 0;
    std::uint64_t moves = 0;
    std::uint64_t moved_bytes = 0;

    constexpr realloc_cost& operator+=(const realloc_cost& more) noexcept {
        reallocations += more.reallocations;
        moves += more.moves;
        moved_bytes += more.moved_bytes;
        return *this;
    }
    friend constexpr bool operator==(const realloc_cost&, const realloc_cost&) = default;
};

class realloc_chains {
public:
    /// The reallocations of one block, from its allocation to its free.
    struct chain {
        realloc_cost what;
        std::uint64_t first_size = 0;
        std::uint64_t last_size = 0;
        std::uint32_t stack = 0;  ///< of the last reallocation
    };
    struct length_row {
        std::uint64_t chains = 0;
        std::uint64_t moved_bytes = 0;
    };
    struct stack_row {
        std::uint32_t stack = 0;
        realloc_cost what;  ///< of the reallocations that it asked for
        chain longest;      ///< of those whose last reallocation it asked for
    };
    static constexpr std::size_t longest_limit = 16;

    /// A block was reallocated. `continues` says that it was before. @pre from and to are not 0
    void resize(std::uint64_t from, std::uint64_t old_size, std::uint64_t to, std::uint64_t size, std::uint32_t stack, bool continues) {
        chain c;
        c.first_size = old_size;
        if (continues) c = live_.take(from).value_or(c);
        realloc_cost step{1, 0, 0};
        if (from != to) step.moves = 1, step.moved_bytes = std::min(old_size, size);
        c.what += step;
        c.last_size = size;
        c.stack = stack;
        if (stack >= by_stack_.size()) by_stack_.resize(stack + std::size_t{1} + stack / 2);
        by_stack_[stack].what += step;
        total_ += step;
        live_.insert(to, c);
    }

    /// The block is freed. @pre the block was reallocated
    void end(std::uint64_t address) {
        const auto c = live_.take(address);
        ASHLAR_PRE(c.has_value());
        settle(*c);
    }

    const realloc_cost& total() const noexcept { return total_; }

    struct figures {
        realloc_cost total;
        std::array<length_row, 65> lengths{};  ///< by the bit width of the number of reallocations
        std::vector<chain> longest;            ///< at most longest_limit, the longest first
        std::vector<stack_row> stacks;         ///< those that reallocated, by their numbers
    };
    /// What there is now; chains that go on are told as they are.
    figures now() const {
        realloc_chains all;
        all.lengths_ = lengths_;
        all.longest_ = longest_;
        all.by_stack_ = by_stack_;
        live_.for_each([&](std::uint64_t, const chain& c) { all.settle(c); });
        figures f{total_, all.lengths_, std::move(all.longest_), {}};
        for (std::uint32_t i = 0; i < all.by_stack_.size(); ++i) {
            if (all.by_stack_[i].what.reallocations == 0) continue;
            f.stacks.push_back(all.by_stack_[i]);
            f.stacks.back().stack = i;
        }
        return f;
    }

    /// Whether a stands before b among the longest.
    static bool longer(const chain& a, const chain& b) noexcept {
        return a.what.reallocations != b.what.reallocations ? a.what.reallocations > b.what.reallocations
                                                            : a.what.moved_bytes > b.what.moved_bytes;
    }

private:
    void settle(const chain& c) {
        auto& row = lengths_[static_cast<std::size_t>(std::bit_width(c.what.reallocations))];
        ++row.chains;
        row.moved_bytes += c.what.moved_bytes;  // realloc_chains.I1
        if (chain& best = by_stack_[c.stack].longest; longer(c, best)) best = c;
        if (longest_.size() == longest_limit && !longer(c, longest_.back())) return;
        longest_.insert(std::upper_bound(longest_.begin(), longest_.end(), c, longer), c);
        if (longest_.size() > longest_limit) longest_.pop_back();
    }

    address_map<chain> live_;
    realloc_cost total_;
    std::array<length_row, 65> lengths_{};
    std::vector<chain> longest_;
    std::vector<stack_row> by_stack_;
};

}  // namespace ashlar
