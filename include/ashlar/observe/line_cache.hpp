// ashlar/observe/line_cache.hpp - a first-level data cache, to count which of the lines that are touched it has not.
//
// Layer:      observe
// Source:     Nethercote and Seward, Valgrind (Cachegrind's model); Mattson et al., "Evaluation techniques for storage
//             hierarchies", 1970 (least recently used).
// Picture:    64 sets of 8 lines of 64 bytes, 32 KiB; in each the least recently used gives way
// Complexity: touch O(8) a line.
// Failure:    none.
// Threads:    one at a time.
// Checked by: tests/observe/line_cache_test.cpp
#pragma once

#include <array>
#include <cstdint>

namespace ashlar {

class line_cache {
public:
    static constexpr std::uint64_t line_bytes = 64;
    static constexpr std::uint64_t sets = 64;
    static constexpr std::uint64_t ways = 8;

    /// The lines of [address, address + size) are read or written, in order.
    void touch(std::uint64_t address, std::uint64_t size) noexcept {
        if (size == 0) return;
        const std::uint64_t last = (address + size - 1) / line_bytes;
        for (std::uint64_t line = address / line_bytes; line <= last; ++line) touch_line(line);
    }

    std::uint64_t touched() const noexcept { return touched_; }
    std::uint64_t missed() const noexcept { return missed_; }

private:
    void touch_line(std::uint64_t line) noexcept {
        ++touched_;
        auto& set = lines_[line % sets];
        std::uint64_t found = 0;
        while (found < ways - 1 && set[found] != line + 1) ++found;
        if (set[found] != line + 1) ++missed_;
        for (; found > 0; --found) set[found] = set[found - 1];  // most recently used first
        set[0] = line + 1;
    }

    std::array<std::array<std::uint64_t, ways>, sets> lines_{};  ///< line number plus one; 0 for none
    std::uint64_t touched_ = 0;
    std::uint64_t missed_ = 0;
};

}  // namespace ashlar
