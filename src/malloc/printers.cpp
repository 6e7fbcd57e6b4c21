// ashlar/src/malloc/printers.cpp - one set of figures as text, as JSON, and as glibc's XML.
//
// Layer:      malloc
// Source:     glibc malloc_info(3), whose elements its readers look for.
// Complexity: as printers.hpp.
// Failure:    as printers.hpp.
// Threads:    as printers.hpp.
// Checked by: tests/malloc/program/statistics.cpp, tests/malloc/program/configured.py
#include "printers.hpp"

#include "ashlar/malloc/conf.hpp"
#include "process.hpp"

namespace ashlar::malloc {
namespace {

constexpr std::string_view state_words[] = {"thread", "ended", "lost", "shared"};

/// Calls f(state, heap_counts) for every heap, with no lock held.
template <class F>
void for_each_heap(F f) noexcept {
    for (process_heap* h = the_registry.first(); h != nullptr; h = the_registry.next_of(*h)) {
        f(state_words[static_cast<std::size_t>(h->state())], figures_of(the_store, *h));
    }
}

void print_classes(const statistics& s, const sink& out) noexcept {
    line(out).add("        size     granted        live        free under way   spans       KiB").print();
    for (std::size_t c = 0; c <= statistics::rows; ++c) {
        const bool large = c == statistics::rows;
        const class_counts& counts = large ? s.large : s.classes[c];
        if (counts.allocations == 0 && counts.spans == 0) continue;
        line text(out);
        text.add("  ");
        large ? text.add("    larger") : text.add_padded(s.class_bytes[c], 10);
        text.add_padded(counts.allocations, 12).add_padded(counts.live, 12).add_padded(counts.free, 12);
        text.add_padded(counts.under_way, 10).add_padded(counts.spans, 8).add_padded(counts.span_bytes / 1024, 10).print();
    }
}

void add_counts(line& to, const class_counts& counts) noexcept {
    to.add("\"allocations\":").add(counts.allocations).add(",\"live\":").add(counts.live).add(",\"free\":");
    to.add(counts.free).add(",\"under_way\":").add(counts.under_way).add(",\"spans\":").add(counts.spans);
    to.add(",\"span_bytes\":").add(counts.span_bytes).add("}");
}

void add_options(line& to) noexcept {
    bool first = true;
    for (const option& o : option_table) {
        to.add(first ? "" : ",").add("\"").add(o.key).add("\":");
        first = false;
        const std::int64_t value = the_store.settings().*o.value;
        if (o.words.empty()) {
            to.add_signed(value);
        } else {
            to.add("\"").add(detail::word_at(o.words, value)).add("\"");
        }
    }
}

}  // namespace

void print_text(const statistics& s, const sink& out) noexcept {
    line(out).add("ashlar malloc:").print();
    for (const statistic& f : statistic_table) {
        line text(out);
        text.add("  ").add_padded(f.bytes ? (s.*f.value + 1023) / 1024 : s.*f.value, 10);
        text.add(f.bytes ? " KiB  " : "      ").add(f.words).print();
    }
    print_classes(s, out);
    line(out).add("        heap     granted        live    live KiB    free KiB   spans       KiB").print();
    for_each_heap([&](std::string_view state, const heap_counts& h) {
        if (h.allocations == 0 && h.spans == 0) return;
        line text(out);
        text.add("      ").add(detail::before("      ", 6 - state.size())).add(state).add_padded(h.allocations, 12);
        text.add_padded(h.live_blocks, 12).add_padded(h.live_bytes / 1024, 12).add_padded(h.free_bytes / 1024, 12);
        text.add_padded(h.spans, 8).add_padded(h.span_bytes / 1024, 10).print();
    });
}

void print_json(const statistics& s, const sink& out) noexcept {
    line text(out);
    text.add("{\"ashlar_malloc\":{");
    for (const statistic& f : statistic_table) text.add("\"").add(f.key).add("\":").add(s.*f.value).add(",");
    text.add("\"classes\":[");
    bool first = true;
    for (std::size_t c = 0; c < statistics::rows; ++c) {
        const class_counts& counts = s.classes[c];
        if (counts.allocations == 0 && counts.spans == 0) continue;
        text.add(first ? "" : ",").add("{\"size\":").add(s.class_bytes[c]).add(",");
        add_counts(text, counts);
        first = false;
    }
    text.add("],\"large\":{");
    add_counts(text, s.large);
    text.add(",\"each_heap\":[");
    first = true;
    for_each_heap([&](std::string_view state, const heap_counts& h) {
        text.add(first ? "" : ",").add("{\"state\":\"").add(state).add("\",\"allocations\":").add(h.allocations);
        text.add(",\"spans\":").add(h.spans).add(",\"span_bytes\":").add(h.span_bytes);
        text.add(",\"live_blocks\":").add(h.live_blocks).add(",\"live_bytes\":").add(h.live_bytes);
        text.add(",\"free_bytes\":").add(h.free_bytes).add(",\"under_way_bytes\":").add(h.under_way_bytes).add("}");
        first = false;
    });
    text.add("],\"options\":{");
    add_options(text);
    text.add("}}}").print();
}

/// One <heap> for all: its <sizes> are the free blocks, as glibc's are.
void print_xml(const statistics& s, const sink& out) noexcept {
    line text(out);
    text.add("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    std::uint64_t free_blocks = 0;
    for (std::size_t c = 0; c < statistics::rows; ++c) {
        const class_counts& counts = s.classes[c];
        if (counts.free == 0) continue;
        const std::uint64_t size = s.class_bytes[c], usual = class_of_size(size);
        free_blocks += counts.free;
        text.add("  <size from=\"").add(usual == 0 ? 1 : size_of_class(usual - 1) + 1).add("\" to=\"").add(size);
        text.add("\" total=\"").add(counts.free * size).add("\" count=\"").add(counts.free).add("\"/>\n");
    }
    const auto totals = [&](bool of_process) {
        text.add("<total type=\"fast\" count=\"").add(s.under_way_blocks).add("\" size=\"").add(s.under_way_bytes);
        text.add("\"/>\n<total type=\"rest\" count=\"").add(free_blocks).add("\" size=\"").add(s.free_bytes);
        if (of_process) {
            text.add("\"/>\n<total type=\"mmap\" count=\"").add(s.mapped_blocks).add("\" size=\"").add(s.mapped_bytes);
        }
        const std::uint64_t unmapped = s.used_bytes > s.mapped_bytes ? s.used_bytes - s.mapped_bytes : 0;
        text.add("\"/>\n<system type=\"current\" size=\"").add(unmapped).add("\"/>\n<system type=\"max\" size=\"");
        text.add(s.peak_used_bytes).add("\"/>\n<aspace type=\"total\" size=\"").add(s.reserved_bytes);
        text.add("\"/>\n<aspace type=\"mprotect\" size=\"").add(s.reserved_bytes).add("\"/>\n");
    };
    text.add("</sizes>\n");
    totals(false);
    text.add("</heap>\n");
    totals(true);
    text.add("</malloc>").print();
}

void gather(statistics& s) noexcept { collect(the_store, the_registry, own_heap == &no_heap ? nullptr : own_heap, s); }

}  // namespace ashlar::malloc
