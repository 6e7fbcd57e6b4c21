// ashlar/src/malloc/override_glibc.cpp - names of glibc beside the standard ones, so that no program mixes two heaps.
//
// Layer:      malloc
// Source:     glibc mallopt(3), mallinfo(3), malloc_info(3), malloc_stats(3); its exported __libc_* aliases.
// Complexity: as what they stand for; the statistics are O(spans).
// Failure:    as what they stand for.
// Threads:    any.
// Checked by: tests/malloc/program/edge_rules.cpp, tests/malloc/program/exports.py
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <cerrno>
#include <climits>

#include "ashlar/malloc/malloc.h"
#include "export.hpp"

namespace {

/// mallinfo's fields were int from the start; what does not fit is the most that does.
int as_int(std::size_t n) noexcept { return n > INT_MAX ? INT_MAX : static_cast<int>(n); }

}  // namespace

extern "C" {

ASHLAR_EXPORT void cfree(void* p) noexcept { free(p); }

// Programs that wrap malloc call these, and free what they got by free.
ASHLAR_EXPORT void* __libc_malloc(std::size_t size) noexcept { return malloc(size); }
ASHLAR_EXPORT void* __libc_calloc(std::size_t count, std::size_t size) noexcept { return calloc(count, size); }
ASHLAR_EXPORT void* __libc_realloc(void* p, std::size_t size) noexcept { return realloc(p, size); }
ASHLAR_EXPORT void __libc_free(void* p) noexcept { free(p); }
ASHLAR_EXPORT void* __libc_memalign(std::size_t align, std::size_t size) noexcept { return memalign(align, size); }
ASHLAR_EXPORT void* __libc_valloc(std::size_t size) noexcept { return valloc(size); }
ASHLAR_EXPORT void* __libc_pvalloc(std::size_t size) noexcept { return pvalloc(size); }

/// glibc's settings mean nothing here; a program that makes them is told that they were made, and works.
ASHLAR_EXPORT int mallopt(int, int) noexcept { return 1; }

ASHLAR_EXPORT struct mallinfo2 mallinfo2(void) noexcept {
    ashlar_malloc_statistics s{};
    ashlar_malloc_stats(&s);
    struct mallinfo2 info {};
    info.arena = s.used_bytes + s.dirty_bytes;
    info.ordblks = 1;
    info.usmblks = s.peak_used_bytes;
    info.uordblks = s.live_bytes;
    info.fordblks = info.arena > s.live_bytes ? info.arena - s.live_bytes : 0;
    info.keepcost = s.dirty_bytes;
    return info;
}
ASHLAR_EXPORT struct mallinfo mallinfo(void) noexcept {
    const struct mallinfo2 wide = mallinfo2();
    struct mallinfo info {};
    info.arena = as_int(wide.arena);
    info.ordblks = as_int(wide.ordblks);
    info.usmblks = as_int(wide.usmblks);
    info.uordblks = as_int(wide.uordblks);
    info.fordblks = as_int(wide.fordblks);
    info.keepcost = as_int(wide.keepcost);
    return info;
}
ASHLAR_EXPORT void malloc_stats(void) noexcept { ashlar_malloc_print_stats(0); }

ASHLAR_EXPORT int malloc_info(int options, FILE* out) noexcept {
    if (options != 0) return EINVAL;
    ashlar_malloc_statistics s{};
    ashlar_malloc_stats(&s);
    const int written = fprintf(out,
                                "<malloc version=\"1\">\n<total type=\"live\" count=\"%llu\" size=\"%llu\"/>\n"
                                "<system type=\"current\" size=\"%llu\"/>\n<system type=\"max\" size=\"%llu\"/>\n</malloc>\n",
                                static_cast<unsigned long long>(s.live_blocks),
                                static_cast<unsigned long long>(s.live_bytes),
                                static_cast<unsigned long long>(s.used_bytes),
                                static_cast<unsigned long long>(s.peak_used_bytes));
    return written < 0 ? -1 : 0;
}

}  // extern "C"
