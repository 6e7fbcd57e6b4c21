// ashlar/observe/timeline.hpp - live bytes and requests over time, in a bounded number of buckets.
//
// Layer:      observe
// Picture:    | 1 us | 1 us | 1 us | 1 us |  full: neighbours are joined   | 2 us | 2 us |      |      |
// Complexity: add amortised O(1); memory fixed: `limit` buckets.
// Failure:    std::bad_alloc at construction.
// Threads:    one at a time.
// Invariants: timeline.I1  the greatest live_most is the greatest `live` that was added, whatever was joined
//             timeline.I2  sums over buckets are what was added
// Checked by: tests/observe/timeline_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ashlar {

class timeline {
public:
    static constexpr std::size_t limit = 2000;

    struct bucket {
        std::uint64_t live_most = 0;        ///< greatest number of live bytes while it lasted
        std::uint64_t live_least = 0;
        std::uint64_t live_last = 0;        ///< live bytes at its end
        std::uint64_t usable_most = 0;      ///< as live_most, in bytes that the blocks have
        std::uint64_t usable_last = 0;
        std::uint64_t mapped_most = 0;      ///< the same of bytes that the program has mapped by itself
        std::uint64_t mapped_last = 0;
        std::uint64_t allocations = 0;
        std::uint64_t frees = 0;
        std::uint64_t bytes_allocated = 0;
    };

    /// What one event changes.
    struct change {
        std::uint64_t live = 0;  ///< live bytes after it
        std::uint64_t usable = 0;
        std::uint64_t mapped = 0;
        std::uint64_t allocations = 0;
        std::uint64_t frees = 0;
        std::uint64_t bytes_allocated = 0;
    };

    timeline();

    /// @pre time_ns is not less than in any call before
    void add(std::uint64_t time_ns, const change&);

    /// Lets the line go on, unchanged, to `time_ns`: a program may end long after its last event.
    void extend_to(std::uint64_t time_ns);

    std::uint64_t bucket_ns() const noexcept { return std::uint64_t{1} << width_bits_; }
    /// From time 0 to the last moment added. Empty if nothing was.
    std::span<const bucket> buckets() const noexcept { return buckets_; }

private:
    void halve();

    std::vector<bucket> buckets_;
    unsigned width_bits_ = 10;  // buckets of 1,024 ns at first
};

}  // namespace ashlar
