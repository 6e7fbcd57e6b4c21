// ashlar/malloc/sampling.hpp - which blocks a heap profile looks at: each byte with the same chance, decided when lists run out.
//
// Layer:      malloc
// Source:     Poisson process by bytes, as in tcmalloc and jemalloc; a block of s bytes is met by it with 1 - exp(-s/mean).
// Picture:    blocks of a class:  o o o o o S o o S o o o o     how many o before the next S is drawn at once, so a list
//             of free blocks is cut there, and the call for S takes the slow path: no other path counts anything
// Complexity: O(1) a draw; none while there is no profile.
// Failure:    none.
// Threads:    a clock: the thread of its heap.
// Invariants: sampling.I1  each block of s bytes is sampled with chance_of(s, mean), whatever was sampled before
// Checked by: tests/malloc/sampling_test.cpp, tests/malloc/program/profile.py
//
// The logarithm is written out here: a malloc that needs libm would bring it into every program.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ashlar/foundation/size_class.hpp"

namespace ashlar::malloc {

/// @pre x is positive, finite and not tiny. Right to 1e-9.
constexpr double natural_log(double x) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const double exponent = static_cast<double>(static_cast<std::int64_t>(bits >> 52) - 1023);
    const double m = std::bit_cast<double>((bits & ((std::uint64_t{1} << 52) - 1)) | std::uint64_t{1023} << 52);
    const double y = (m - 1) / (m + 1), y2 = y * y;  // ln m = 2 artanh y, |y| <= 1/3
    double sum = 0, power = y;
    for (int k = 1; k < 20; k += 2, power *= y2) sum += power / k;
    return exponent * 0.69314718055994530942 + 2 * sum;
}

/// 1 - exp(-x) for x >= 0: the chance that a block of x means is met.
constexpr double one_minus_exp(double x) noexcept {
    if (x > 40) return 1;
    double parts = 1;
    while (x > 0.25) x /= 2, parts *= 2;
    double term = x, sum = 0;  // the series of 1 - exp(-x)
    for (int k = 2; k < 14; ++k) {
        sum += term;
        term *= -x / k;
    }
    for (; parts > 1; parts /= 2) sum = sum * (2 - sum);  // 1 - (1 - p)^2
    return sum;
}

constexpr double chance_of(std::size_t size, double mean) noexcept { return one_minus_exp(static_cast<double>(size) / mean); }

/// What a store is told while a profile is taken.
struct block_sampler {
    /// A block of at least that size, whose stack is noted; null: an ordinary one will do.
    void* (*take)(std::size_t size, std::size_t align, bool zeroed) noexcept;
    double mean;          ///< bytes between samples
    std::uint32_t epoch;  ///< another one for every profile, never 0
};

/// A heap's way to its next samples.
template <std::size_t Classes>
class sample_clock {
public:
    /// Begins anew when another profile was started. size_of(c): bytes of the blocks of class c.
    template <class SizeOf>
    void follow(const block_sampler& sampler, SizeOf size_of) noexcept {
        if (epoch_ == sampler.epoch) return;
        epoch_ = sampler.epoch;
        if (state_ == 0) state_ = (reinterpret_cast<std::uintptr_t>(this) | 1) * 0x9e3779b97f4a7c15u;
        for (std::size_t c = 0; c < Classes; ++c) draw(c, size_of(c), sampler.mean);
        large_ = exponential() * sampler.mean;
    }
    bool due(std::size_t size_class) const noexcept { return left_[size_class] == 0; }
    /// Draws how many blocks of the class, each of so many bytes, are not sampled before the next one is.
    void draw(std::size_t size_class, std::size_t bytes, double mean) noexcept {
        const double blocks = exponential() * mean / static_cast<double>(bytes);
        left_[size_class] = blocks < 4e9 ? static_cast<std::uint32_t>(blocks) : 4'000'000'000u;
    }
    /// Of `count` blocks that could be handed out, those up to the next sample; at least one. They count as handed out.
    std::uint32_t hand_out(std::size_t size_class, std::uint32_t count) noexcept {
        std::uint32_t& left = left_[size_class];
        if (left == 0) return 1;
        if (count > left) count = left;
        left -= count;
        return count;
    }
    /// @returns whether a block of a size of its own is sampled
    bool meets(std::size_t size, double mean) noexcept {
        const auto bytes = static_cast<double>(size);
        if (bytes < large_) {
            large_ -= bytes;
            return false;
        }
        large_ = exponential() * mean;
        return true;
    }
    void seed(std::uint64_t seed) noexcept { state_ = seed | 1; }

private:
    double exponential() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        const double uniform = (static_cast<double>(state_ * 0x2545f4914f6cdd1du >> 11) + 0.5) * 0x1p-53;
        return -natural_log(uniform);
    }

    std::uint32_t left_[Classes]{};
    std::uint32_t epoch_ = 0;
    std::uint64_t state_ = 0;
    double large_ = 0;
};

}  // namespace ashlar::malloc
