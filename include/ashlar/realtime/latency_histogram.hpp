// ashlar/realtime/latency_histogram.hpp - how long things took: counted in buckets of bounded error, without a lock.
//
// Layer:      realtime
// Source:     Tene, "HdrHistogram" (log-linear buckets, correction of coordinated omission), 2012.
// Picture:    0 1 2 ... 63 | 64 66 ... 126 | 128 132 ... 252 | ...     each doubling in 32 equal buckets
// Complexity: record one atomic addition; percentile, mean, merge a look at each bucket. 8 bytes a bucket: 15 KiB.
// Failure:    none; what is longer than most() counts as most().
// Threads:    any number may record, read and merge at once; what is read meanwhile is true of some moment or between.
// Invariants: latency_histogram.I1  a value and the least of its bucket differ by less than a 32nd of the value
// Checked by: tests/realtime/latency_histogram_test.cpp
//
// The unit is the caller's: nanoseconds, ticks, instructions. realtime/latency_report.hpp prints and draws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/contract.hpp"
#include "ashlar/foundation/word.hpp"

namespace ashlar {

template <atomics_policy Atomics = std_atomics>
class basic_latency_histogram {
    using counter = typename Atomics::template atomic<std::uint64_t>;

public:
    static constexpr unsigned steps = 32;  // to each doubling
    static constexpr std::uint64_t most() noexcept { return (std::uint64_t{1} << 62) - 1; }
    static constexpr std::size_t buckets = (62 - 5) * steps + steps;

    constexpr basic_latency_histogram() noexcept = default;
    basic_latency_histogram(const basic_latency_histogram&) = delete;
    basic_latency_histogram& operator=(const basic_latency_histogram&) = delete;

    void record(std::uint64_t value, std::uint64_t times = 1) noexcept {
        // relaxed: counts are added up, and nothing is published by them
        counts_[bucket_of(value)].fetch_add(times, memory_order_relaxed);
    }
    /// What happens every `interval` and took longer kept others waiting that were never begun: they count too.
    /// @pre interval != 0
    void record_every(std::uint64_t value, std::uint64_t interval) noexcept {
        ASHLAR_PRE(interval != 0);
        record(value);
        while (value > interval) record(value -= interval);
    }
    /// Adds what another one has counted.
    void merge(const basic_latency_histogram& other) noexcept {
        for (std::size_t i = 0; i < buckets; ++i) {
            const std::uint64_t n = other.counts_[i].load(memory_order_relaxed);
            if (n != 0) counts_[i].fetch_add(n, memory_order_relaxed);
        }
    }
    void reset() noexcept {
        for (auto& c : counts_) c.store(0, memory_order_relaxed);
    }

    std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (const auto& c : counts_) sum += c.load(memory_order_relaxed);
        return sum;
    }
    /// @pre 0 <= percent <= 100
    /// @returns the least value that so many of a hundred do not pass, rounded up within its bucket; 0 if there is none
    std::uint64_t percentile(double percent) const noexcept {
        ASHLAR_PRE(percent >= 0 && percent <= 100);
        const double wanted = static_cast<double>(count()) * percent / 100;
        std::uint64_t seen = 0, last = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            const std::uint64_t n = counts_[i].load(memory_order_relaxed);
            if (n == 0) continue;
            seen += n;
            last = most_of(i);
            if (static_cast<double>(seen) >= wanted) return last;
        }
        return last;
    }
    std::uint64_t max() const noexcept { return percentile(100); }
    std::uint64_t min() const noexcept {
        for (std::size_t i = 0; i < buckets; ++i) {
            if (counts_[i].load(memory_order_relaxed) != 0) return least_of(i);
        }
        return 0;
    }
    double mean() const noexcept {
        double sum = 0, all = 0;
        for_each([&](std::uint64_t least, std::uint64_t greatest, std::uint64_t n) {
            sum += (static_cast<double>(least) + static_cast<double>(greatest)) / 2 * static_cast<double>(n);
            all += static_cast<double>(n);
        });
        return all == 0 ? 0 : sum / all;
    }
    /// Calls visit(least, greatest, count) for each bucket that counted, from the shortest.
    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < buckets; ++i) {
            if (const std::uint64_t n = counts_[i].load(memory_order_relaxed); n != 0) visit(least_of(i), most_of(i), n);
        }
    }

    /// @returns the bucket of a value (latency_histogram.I1)
    template <word W = std::uint64_t>
    static constexpr W bucket_of(std::type_identity_t<W> value) noexcept {
        const W counted = static_cast<bool>(value < W(most())) ? value : W(most());
        const W shift = highest_bit(counted | W(steps)) - W(5);
        return shift * W(steps) + shr(counted, shift);
    }
    template <word W = std::uint64_t>
    static constexpr W least_of(std::type_identity_t<W> bucket) noexcept {
        if (static_cast<bool>(bucket < W(2 * steps))) return bucket;
        const W shift = bucket / W(steps) - W(1);
        return shl(bucket - shift * W(steps), shift);
    }
    template <word W = std::uint64_t>
    static constexpr W most_of(std::type_identity_t<W> bucket) noexcept { return least_of<W>(bucket + W(1)) - W(1); }

private:
    counter counts_[buckets] = {};
};

using latency_histogram = basic_latency_histogram<>;

static_assert(latency_histogram::bucket_of(latency_histogram::most()) == latency_histogram::buckets - 1);

}  // namespace ashlar
