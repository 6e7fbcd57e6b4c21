// ashlar/malloc/options.hpp - what a user may set about the malloc, and the one table of it.
//
// Layer:      malloc
// Complexity: plain values; looked at on slow paths only.
// Failure:    none; conf.hpp says what is wrong with a text.
// Threads:    any: a setting is read and written as one word, relaxed. Those that may change while the program runs say
//             so in the table; the others are set before the first block is granted, and only read afterwards.
// Checked by: tests/malloc/options_test.cpp, tests/malloc/conf_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

namespace ashlar::malloc {

enum class thp_policy : std::int64_t { automatic, always, never };
enum class extend_policy : std::int64_t { compact, balanced, fast };

/// The value of an option: a number that one thread may change while others read it.
class setting {
public:
    constexpr setting(std::int64_t value) noexcept : value_(value) {}
    constexpr setting(const setting& other) noexcept : value_(other.get()) {}
    constexpr setting& operator=(const setting& other) noexcept { return *this = other.get(); }
    constexpr setting& operator=(std::int64_t value) noexcept {
        if (std::is_constant_evaluated()) {
            value_ = value;
        } else {
            __atomic_store_n(&value_, value, __ATOMIC_RELAXED);  // it publishes nothing but itself
        }
        return *this;
    }
    constexpr operator std::int64_t() const noexcept { return get(); }
    constexpr std::int64_t get() const noexcept {
        return std::is_constant_evaluated() ? value_ : __atomic_load_n(&value_, __ATOMIC_RELAXED);
    }
    constexpr std::size_t bytes() const noexcept { return static_cast<std::size_t>(get()); }

private:
    std::int64_t value_;
};

/// The value of an option that is a text. It is set before the first block is granted, and only read afterwards.
struct setting_text {
    static constexpr std::size_t longest = 255;
    char text[longest + 1]{};
    constexpr std::string_view get() const noexcept { return text; }
};

/// Every option is a number in `options`; words stand for the values of an enumeration.
struct options {
    setting purge_delay_ms = 500;
    setting retain_bytes = 32 << 20;
    setting large_cache_bytes = 64 << 20;
    setting soft_limit_bytes = 0;
    setting hard_limit_bytes = 0;
    setting thp = static_cast<std::int64_t>(thp_policy::automatic);
    setting page_extend = static_cast<std::int64_t>(extend_policy::balanced);
    setting adapt_classes = 1;
    setting zero_on_free = 0;
    setting harden = 0;
    setting quarantine_bytes = 1 << 20;
    setting guard_samples = 20;
    setting guard_slots = 0;
    setting background_purge = 0;
    setting stats_at_exit = 0;
    setting profile_sample_bytes = 0;
    setting profile_signal = 0;
    setting routes_at_exit = 0;
    setting_text profile_path{};

    extend_policy extend() const noexcept { return static_cast<extend_policy>(page_extend.get()); }
    thp_policy huge_pages() const noexcept { return static_cast<thp_policy>(thp.get()); }
    /// All zeros. An object in static storage that is all zeros takes no room in a file.
    static constexpr options zeros() noexcept;
};

struct option {
    std::string_view key;
    setting options::*value;
    std::int64_t least;
    std::int64_t most;
    std::string_view words;    ///< "a|b|c" for the values 0, 1, 2; empty: a number, with KiB, MiB or GiB for bytes
    std::string_view meaning;  ///< one line for --help and docs/malloc.md
    bool at_run_time = false;  ///< it may be changed while the program runs
};

/// guard_samples with this value: every block that can.
inline constexpr std::int64_t guard_all = 1'000'000;

inline constexpr std::int64_t most_bytes = std::numeric_limits<std::int64_t>::max() / 2;

inline constexpr option option_table[] = {
    {"purge_delay_ms", &options::purge_delay_ms, -1, 86'400'000, {},
     "free memory goes back to the system after one to two times this; 0 at once, -1 never", true},
    {"retain_bytes", &options::retain_bytes, 0, most_bytes, {},
     "free memory kept at most, whatever the delay", true},
    {"large_cache_bytes", &options::large_cache_bytes, 0, most_bytes, {},
     "freed blocks above 4 MiB kept for reuse, in bytes", true},
    {"soft_limit_bytes", &options::soft_limit_bytes, 0, most_bytes, {},
     "above this no free memory is kept; 0 for none, then 7/8 of the control group's limit where there is one", true},
    {"hard_limit_bytes", &options::hard_limit_bytes, 0, most_bytes, {},
     "memory above this is refused with ENOMEM; 0 for none", true},
    {"thp", &options::thp, 0, 2, "auto|always|never",
     "huge pages: as the system says, asked for, or refused"},
    {"page_extend", &options::page_extend, 0, 2, "compact|balanced|fast",
     "how much memory is prepared at a time: a page, growing, or much", true},
    {"adapt_classes", &options::adapt_classes, 0, 1, "off|on",
     "a size that most blocks of a class of a megabyte and more have gets a class of its own"},
    {"zero_on_free", &options::zero_on_free, 0, 1, "off|on", "freed blocks are cleared"},
    {"harden", &options::harden, 0, 2, {},
     "more checks: 1 of the bytes behind each block, and of its link and mark, which are reused late; 2 of all, and guard pages"},
    {"quarantine_bytes", &options::quarantine_bytes, 0, most_bytes, {},
     "with harden = 2: freed memory that each thread keeps out of use, and watches"},
    {"guard_samples", &options::guard_samples, 0, guard_all, {},
     "blocks a second, about, that get guard pages and notes of their calls; 0 for none, 1000000 for all that can"},
    {"guard_slots", &options::guard_slots, 0, 4096, {},
     "such blocks there may be, with those that were freed; 0: one for each 2 MiB in use, at most 64"},
    {"background_purge", &options::background_purge, 0, 1, "off|on",
     "a thread purges, so that memory falls even if malloc is not called any more"},
    {"stats_at_exit", &options::stats_at_exit, 0, 2, "off|text|json", "a summary on standard error at exit"},
    {"profile_sample_bytes", &options::profile_sample_bytes, 0, most_bytes, {},
     "a heap profile with one sample in so many bytes from the start on; 0 for none (512 KiB is usual)"},
    {"profile_signal", &options::profile_signal, 0, 64, {}, "this signal writes the profile; 0 for none"},
    {"routes_at_exit", &options::routes_at_exit, 0, 2, "drift|off|all",
     "with rules for call sites: say at exit where the program departs from what the conf expects, or nothing, or all"},
};

struct text_option {
    std::string_view key;
    setting_text options::*value;
    std::string_view meaning;
};
inline constexpr text_option text_option_table[] = {
    {"profile_path", &options::profile_path, "where the heap profile is written at exit; %p becomes the process's number"},
};

constexpr options options::zeros() noexcept {
    options all;
    for (const option& o : option_table) all.*o.value = 0;
    return all;
}

}  // namespace ashlar::malloc
