// ashlar/src/malloc/summary.cpp - the statistics as text and as JSON, and the C interface to them.
//
// Layer:      malloc
// Complexity: O(spans), when asked.
// Failure:    what cannot be written is dropped.
// Threads:    counts of threads that run meanwhile are close, not exact.
// Checked by: tests/malloc/program/interface.c, tests/malloc/program/configured.py
#include "ashlar/malloc/statistics.hpp"

#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "line.hpp"
#include "process.hpp"

namespace ashlar::malloc {
namespace {

struct field {
    const char* name;
    const char* words;
    std::uint64_t value;
    bool bytes;
};

void gather(statistics& s, field (&fields)[10]) noexcept {
    collect(the_store, the_registry, own_heap == &no_heap ? nullptr : own_heap, s);
    const field all[] = {
        {"allocations", "blocks granted", s.allocations(), false},
        {"live_blocks", "of them live", s.live_blocks(), false},
        {"live_bytes", "live", s.live_bytes, true},
        {"used_bytes", "in spans and mappings", s.used_bytes, true},
        {"peak_used_bytes", "the most of that", s.peak_used_bytes, true},
        {"dirty_bytes", "free, kept for reuse", s.dirty_bytes, true},
        {"purged_bytes", "given back so far", s.purged_bytes, true},
        {"reserved_bytes", "address space reserved", s.reserved_bytes, true},
        {"record_bytes", "of it for records", s.record_bytes, true},
        {"heaps", "heaps of threads", s.heaps, false},
    };
    for (std::size_t i = 0; i < 10; ++i) fields[i] = all[i];
}

void add_padded(line& to, std::uint64_t value, unsigned width) noexcept {
    std::uint64_t limit = 1;
    for (unsigned digits = 1; digits < width; ++digits) limit *= 10;
    for (; limit > 1 && value < limit; limit /= 10) to.add(" ");
    to.add(value);
}

void print_text(const statistics& s, const field (&fields)[10]) noexcept {
    line("ashlar malloc, at the end:").print();
    for (const field& f : fields) {
        line text;
        text.add("  ");
        if (f.bytes) {
            add_padded(text, (f.value + 1023) / 1024, 10);
            text.add(" KiB  ");
        } else {
            add_padded(text, f.value, 10);
            text.add("      ");
        }
        text.add(f.words).print();
    }
    line("        size     granted        live   spans").print();
    for (std::size_t c = 0; c <= size_class_count; ++c) {
        const bool large = c == size_class_count;
        const class_counts& counts = large ? s.large : s.classes[c];
        if (counts.allocations == 0 && counts.spans == 0) continue;
        line text;
        text.add("  ");
        if (large) {
            text.add("    larger");
        } else {
            add_padded(text, size_of_class(c), 10);
        }
        add_padded(text, counts.allocations, 12);
        add_padded(text, counts.live, 12);
        add_padded(text, counts.spans, 8);
        text.print();
    }
}

void print_json(const statistics& s, const field (&fields)[10]) noexcept {
    line text("{\"ashlar_malloc\":{");
    for (const field& f : fields) text.add("\"").add(f.name).add("\":").add(f.value).add(",");
    text.add("\"classes\":[");
    bool first = true;
    for (std::size_t c = 0; c < size_class_count; ++c) {
        const class_counts& counts = s.classes[c];
        if (counts.allocations == 0 && counts.spans == 0) continue;
        text.add(first ? "" : ",").add("{\"size\":").add(size_of_class(c)).add(",\"allocations\":").add(counts.allocations);
        text.add(",\"live\":").add(counts.live).add(",\"spans\":").add(counts.spans).add("}");
        first = false;
    }
    text.add("],\"large\":{\"allocations\":").add(s.large.allocations).add(",\"live\":").add(s.large.live).add("}}}");
    text.print();
}

void print(bool as_json) noexcept {
    statistics s;
    field fields[10];
    gather(s, fields);
    as_json ? print_json(s, fields) : print_text(s, fields);
}

}  // namespace

void print_summary() noexcept { print(the_store.settings().stats_at_exit == 2); }

}  // namespace ashlar::malloc

namespace core = ashlar::malloc;

extern "C" {

ASHLAR_EXPORT void ashlar_malloc_stats(ashlar_malloc_statistics* out) {
    core::statistics s;
    core::collect(core::the_store, core::the_registry, core::own_heap == &core::no_heap ? nullptr : core::own_heap, s);
    *out = {s.allocations(), s.live_blocks(), s.live_bytes, s.used_bytes, s.peak_used_bytes,
            s.dirty_bytes, s.purged_bytes, s.reserved_bytes, s.record_bytes, s.heaps};
}
ASHLAR_EXPORT void ashlar_malloc_print_stats(int as_json) { core::print(as_json != 0); }
ASHLAR_EXPORT int ashlar_malloc_trim(void) { return core::trim() ? 1 : 0; }
ASHLAR_EXPORT int ashlar_malloc_owns(const void* p) {
    return core::the_store.find_slowly(p)->kind != core::span_kind::none ? 1 : 0;
}
ASHLAR_EXPORT int ashlar_malloc_version(void) { return 100; }

}  // extern "C"
