// ashlar/malloc/span_store_limits.hpp - span_store: the soft and the hard limit, and the limit of the process's surroundings.
//
// Layer:      malloc
// Picture:    0 ....... soft limit ................ hard limit        bytes that are used, and free and kept
//               keeps     keeps nothing that is free   refuses
// Complexity: below every limit: one comparison. Above the soft one: what is kept is purged, which takes system calls.
// Failure:    admit tells.
// Threads:    any. Threads that ask at the same moment may together pass the hard limit, each by the blocks that it cuts
//             from a span at once, a page or two; not by large blocks.
// Checked by: tests/malloc/span_store_limits_test.cpp, tests/malloc/program/limited.cpp
#pragma once

#include "ashlar/malloc/span_store.hpp"

namespace ashlar::malloc {

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::watch_limits() noexcept {
    std::size_t least = grown_.load(std::memory_order_relaxed) ? static_cast<std::size_t>(-1) : growth_watched;
    for (const std::size_t limit : {options_.soft_limit_bytes.bytes(), options_.hard_limit_bytes.bytes()}) {
        if (limit != 0 && limit < least) least = limit;
    }
    watched_.store(least, std::memory_order_relaxed);
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
[[gnu::noinline]] bool span_store<Pages, Atomics, Routes>::admit_slowly(std::size_t bytes) noexcept {
    const std::size_t all = taken() + bytes;
    if (all + kept() > growth_watched && !grown_.exchange(true, std::memory_order_relaxed)) {
        watch_limits();
        if (growth_handler_ != nullptr) growth_handler_();
    }
    const std::size_t soft = options_.soft_limit_bytes.bytes();
    const std::size_t hard = options_.hard_limit_bytes.bytes();
    const std::size_t limit = soft != 0 ? soft : hard;
    if (limit != 0 && all + kept() > limit && kept() != 0) {
        const std::size_t may_keep = limit > all ? limit - all : 0;
        {
            const holding guard(lock_);
            large_.shrink_to(pages_, may_keep);
        }
        const std::size_t cached = large_.cached();
        purge_down_to(may_keep > cached ? may_keep - cached : 0, true);
        purge_down_to(may_keep > cached ? may_keep - cached : 0, false);
    }
    return hard == 0 || bytes == 0 || all + kept() <= hard;
}

template <os::page_source Pages, atomics_policy Atomics, std::size_t Routes>
void span_store<Pages, Atomics, Routes>::set_ceiling(std::size_t bytes) noexcept {
    constexpr options defaults;
    const auto share = static_cast<std::int64_t>(bytes / 16);
    for (setting options::*kept : {&options::retain_bytes, &options::large_cache_bytes}) {
        setting& value = options_.*kept;
        if (value == defaults.*kept && value > share) value = share;
    }
    if (options_.soft_limit_bytes == 0) options_.soft_limit_bytes = static_cast<std::int64_t>(bytes - bytes / 8);
    watch_limits();
}

}  // namespace ashlar::malloc
