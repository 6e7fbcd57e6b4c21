// ashlar/src/malloc/summary.cpp - the C interface to the statistics, and the summary at exit.
//
// Layer:      malloc
// Complexity: O(spans), when asked.
// Failure:    what cannot be written is dropped.
// Threads:    counts of threads that run meanwhile are close, not exact.
// Checked by: tests/malloc/program/interface.c, tests/malloc/program/statistics.cpp, tests/malloc/program/configured.py
#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "printers.hpp"
#include "process.hpp"

namespace core = ashlar::malloc;

namespace ashlar::malloc {
namespace {

void print(ashlar_stats_format format, const sink& out) noexcept {
    statistics s;
    gather(s);
    switch (format) {
        case ashlar_stats_text: return print_text(s, out);
        case ashlar_stats_json: return print_json(s, out);
        case ashlar_stats_xml: return print_xml(s, out);
    }
}

}  // namespace

void print_summary() noexcept {
    print(the_store.settings().stats_at_exit == 2 ? ashlar_stats_json : ashlar_stats_text, standard_error);
}

}  // namespace ashlar::malloc

extern "C" {

ASHLAR_EXPORT void ashlar_malloc_stats(ashlar_malloc_statistics* out) {
    core::statistics s;
    core::gather(s);
    *out = {s.allocations,  s.live_blocks,      s.live_bytes,      s.used_bytes,    s.peak_used_bytes, s.dirty_bytes,
            s.purged_bytes, s.reserved_bytes,   s.record_bytes,    s.heaps,         s.free_bytes,      s.under_way_blocks,
            s.under_way_bytes, s.resident_bytes, s.cached_bytes,   s.mapped_blocks, s.mapped_bytes};
}
ASHLAR_EXPORT void ashlar_malloc_write_stats(ashlar_stats_format format, ashlar_writer write, void* to) {
    core::print(format, {write, to});
}
ASHLAR_EXPORT void ashlar_malloc_print_stats(int as_json) {
    core::print(as_json != 0 ? ashlar_stats_json : ashlar_stats_text, core::standard_error);
}
ASHLAR_EXPORT int ashlar_malloc_trim(void) { return core::trim() ? 1 : 0; }
ASHLAR_EXPORT int ashlar_malloc_owns(const void* p) {
    return core::the_store.find_slowly(p)->kind != core::span_kind::none ? 1 : 0;
}
ASHLAR_EXPORT int ashlar_malloc_version(void) { return 100; }

}  // extern "C"
