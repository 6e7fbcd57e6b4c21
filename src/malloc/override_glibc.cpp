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
#include "printers.hpp"

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

// Beside what glibc counts: blocks that are mappings are in hblks and hblkhd, and not in arena and uordblks.
ASHLAR_EXPORT struct mallinfo2 mallinfo2(void) noexcept {
    ashlar::malloc::statistics s;
    ashlar::malloc::gather(s);
    struct mallinfo2 info {};
    const auto at_least_0 = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
    info.uordblks = at_least_0(s.live_bytes, s.mapped_bytes);
    info.arena = at_least_0(s.used_bytes + s.dirty_bytes, s.mapped_bytes + s.cached_bytes);
    if (info.arena < info.uordblks) info.arena = info.uordblks;  // a block granted between the two counts
    info.fordblks = info.arena - info.uordblks;
    for (const auto& c : s.classes) info.ordblks += c.free;
    info.smblks = s.under_way_blocks;
    info.fsmblks = s.under_way_bytes;
    info.hblks = s.mapped_blocks;
    info.hblkhd = s.mapped_bytes;
    info.keepcost = s.dirty_bytes;
    return info;
}
ASHLAR_EXPORT struct mallinfo mallinfo(void) noexcept {
    const struct mallinfo2 wide = mallinfo2();
    struct mallinfo info {};
    info.arena = as_int(wide.arena);
    info.ordblks = as_int(wide.ordblks);
    info.smblks = as_int(wide.smblks);
    info.hblks = as_int(wide.hblks);
    info.hblkhd = as_int(wide.hblkhd);
    info.usmblks = as_int(wide.usmblks);
    info.fsmblks = as_int(wide.fsmblks);
    info.uordblks = as_int(wide.uordblks);
    info.fordblks = as_int(wide.fordblks);
    info.keepcost = as_int(wide.keepcost);
    return info;
}
ASHLAR_EXPORT void malloc_stats(void) noexcept { ashlar_malloc_print_stats(0); }

ASHLAR_EXPORT int malloc_info(int options, FILE* out) noexcept {
    if (options != 0) return EINVAL;
    ashlar::malloc::statistics s;
    ashlar::malloc::gather(s);
    struct target {
        FILE* file;
        bool whole;
    } to{out, true};
    ashlar::malloc::print_xml(s, {[](void* t, const char* text, std::size_t length) {
                                      auto* const into = static_cast<target*>(t);
                                      into->whole = into->whole && fwrite(text, 1, length, into->file) == length;
                                  },
                                  &to});
    return to.whole ? 0 : -1;
}

}  // extern "C"
