// ashlar/malloc/options.hpp - what a user may set about the malloc, and the one table of it.
//
// Layer:      malloc
// Complexity: plain values; looked at on slow paths only.
// Failure:    none; conf.hpp says what is wrong with a text.
// Threads:    set before the first block is granted, only read afterwards.
// Checked by: tests/malloc/options_test.cpp, tests/malloc/conf_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace ashlar::malloc {

enum class thp_policy : std::int64_t { automatic, always, never };
enum class extend_policy : std::int64_t { compact, balanced, fast };

/// Every option is a number of this type in `options`; words stand for the values of an enumeration.
struct options {
    std::int64_t purge_delay_ms = 500;
    std::int64_t retain_bytes = 32 << 20;
    std::int64_t large_cache_bytes = 64 << 20;
    std::int64_t thp = static_cast<std::int64_t>(thp_policy::automatic);
    std::int64_t page_extend = static_cast<std::int64_t>(extend_policy::balanced);
    std::int64_t zero_on_free = 0;
    std::int64_t stats_at_exit = 0;

    extend_policy extend() const noexcept { return static_cast<extend_policy>(page_extend); }
    thp_policy huge_pages() const noexcept { return static_cast<thp_policy>(thp); }
};

struct option {
    std::string_view key;
    std::int64_t options::*value;
    std::int64_t least;
    std::int64_t most;
    std::string_view words;    ///< "a|b|c" for the values 0, 1, 2; empty: a number, with KiB, MiB or GiB for bytes
    std::string_view meaning;  ///< one line for --help and docs/malloc.md
};

inline constexpr std::int64_t most_bytes = std::numeric_limits<std::int64_t>::max() / 2;

inline constexpr option option_table[] = {
    {"purge_delay_ms", &options::purge_delay_ms, -1, 86'400'000, {},
     "free memory goes back to the system after one to two times this; 0 at once, -1 never"},
    {"retain_bytes", &options::retain_bytes, 0, most_bytes, {},
     "free memory kept at most, whatever the delay"},
    {"large_cache_bytes", &options::large_cache_bytes, 0, most_bytes, {},
     "freed blocks above 4 MiB kept for reuse, in bytes"},
    {"thp", &options::thp, 0, 2, "auto|always|never",
     "huge pages: as the system says, asked for, or refused"},
    {"page_extend", &options::page_extend, 0, 2, "compact|balanced|fast",
     "how much memory is prepared at a time: a page, growing, or much"},
    {"zero_on_free", &options::zero_on_free, 0, 1, "off|on", "freed blocks are cleared"},
    {"stats_at_exit", &options::stats_at_exit, 0, 2, "off|text|json", "a summary on standard error at exit"},
};

}  // namespace ashlar::malloc
