#include "summary_json.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "text.hpp"

namespace ashlar::app {
namespace {

using nlohmann::json;

constexpr std::size_t top_sizes = 100;
constexpr std::size_t most_crossings = 4096;

constexpr std::array words{
    definition{"Allocation",
               "A block granted by malloc, operator new or their kin. A reallocation of a block counts as "
               "one allocation "
               "and one free, moved or not; so does Valgrind count."},
    definition{"Live bytes",
               "The bytes asked for in blocks that were granted and not yet freed. What the allocator took "
               "from the operating system is more."},
    definition{"Peak",
               "The greatest number of live bytes after any event, exact, and when it was first reached."},
    definition{"Never freed",
               "Blocks still live after the last event of the trace. Memory that a program means to keep "
               "until it exits is among them."},
    definition{"Usable", "The bytes that live blocks have, which is more than was asked for: the malloc rounds up. By the rules of our malloc, "
                         "or of the C library's."},
    definition{"Resident", "The memory that the process has from the system, as the kernel counts it: code and mapped files included."},
    definition{"Committed", "The private memory that the process may write to, data and stacks, whether it is resident or not."},
    definition{"Mapped", "The memory that the program has from the system by mmap, by itself: not what the C library maps for its malloc, "
                         "threads and libraries."},
    definition{"Temporary", "Blocks freed by the thread that allocated them before it allocated again."},
    definition{"Call site", "The innermost function of a call stack, inlined ones included, that is no allocator itself: not of "
                            "the C++ library, and not one whose name holds alloc or strdup."},
    definition{"Lifetime",
               "From a block's allocation to its free, in time, or in bytes that all threads allocated "
               "meanwhile. Blocks that were never freed have none."},
    definition{"In place", "A reallocation that kept the block's address. The others moved the block: as many bytes as the lesser of "
                           "its two sizes."},
    definition{"Chain", "The reallocations of one block, from its allocation to its free. Blocks whose allocation is not in the trace have none."},
    definition{"Page held", "A page of 4 KiB with a live block in it, if only a part of one, at the address that the program was given. How "
                            "much memory the process has is another thing: allocators keep free pages, and need some for themselves."},
    definition{"Sparse page", "A page held of which at most a quarter is live. Its unused bytes count for its blocks by their bytes in it."},
    definition{"Shared line", "64 bytes in which live blocks lie that different threads allocated. Who writes to them is not known: a candidate."},
    definition{"Refused", "A request that the allocator did not grant. It counts nowhere else."},
    definition{"Crossing threads", "A free in another thread than the one that allocated the block."},
    definition{"From before the recording",
               "Frees of blocks whose allocation is not in the trace: older than the "
               "recording, granted before a fork, or lost. They are not among the frees."},
};

json class_json(std::size_t c, const tally& t) {
    return {
        {"from", power_class_from(c)}, {"to", power_class_to(c)}, {"blocks", t.blocks}, {"bytes", t.bytes}};
}

/// From the first class with blocks to the last, empty ones between included.
json histogram_json(const power_histogram& histogram) {
    std::size_t first = 0, last = histogram.size();
    while (first < last && histogram[first].blocks == 0) ++first;
    while (last > first && histogram[last - 1].blocks == 0) --last;
    json classes = json::array();
    for (std::size_t c = first; c < last; ++c) classes.push_back(class_json(c, histogram[c]));
    return classes;
}

power_histogram by_lifetime(const power_grid& grid) {
    power_histogram sum{};
    for (const auto& lives : grid) {
        for (std::size_t c = 0; c < lives.size(); ++c) {
            sum[c].blocks += lives[c].blocks;
            sum[c].bytes += lives[c].bytes;
        }
    }
    return sum;
}

/// Rows of [size from, lifetime from, blocks, bytes], those with blocks only.
json grid_json(const power_grid& grid) {
    json rows = json::array();
    for (std::size_t size = 0; size < grid.size(); ++size) {
        for (std::size_t life = 0; life < grid[size].size(); ++life) {
            const tally& t = grid[size][life];
            if (t.blocks > 0)
                rows.push_back({power_class_from(size), power_class_from(life), t.blocks, t.bytes});
        }
    }
    return rows;
}

json timeline_json(const timeline& line) {
    json most = json::array(), least = most, allocations = most, frees = most, bytes = most;
    for (const auto& bucket : line.buckets()) {
        most.push_back(bucket.live_most);
        least.push_back(bucket.live_least);
        allocations.push_back(bucket.allocations);
        frees.push_back(bucket.frees);
        bytes.push_back(bucket.bytes_allocated);
    }
    return {{"bucket_ns", line.bucket_ns()}, {"live_most", most}, {"live_least", least},
            {"allocations", allocations},    {"frees", frees},    {"bytes_allocated", bytes}};
}

/// The curves beside that of live bytes; usable bytes only where the malloc's rules are known.
json memory_json(const summary& s) {
    const char* const names[] = {"unknown", "ashlar", "glibc"};
    json all = {{"malloc", names[static_cast<unsigned>(s.behind)]}};
    json at = json::array(), resident = at, committed = at, usable = at;
    for (const auto& m : s.memory) {
        at.push_back(m.time_ns);
        resident.push_back(m.resident);
        committed.push_back(m.committed);
    }
    all["time_ns"] = at;
    all["resident"] = resident;
    all["committed"] = committed;
    if (s.behind == trace_malloc::unknown) return all;
    for (const auto& bucket : s.over_time.buckets()) usable.push_back(bucket.usable_most);
    all["usable_most"] = usable;
    all["usable_at_peak"] = s.usable_at_peak;
    return all;
}

json sizes_json(const summary& s) {
    json top = json::array();
    for (std::size_t i = 0; i < std::min(s.sizes.size(), top_sizes); ++i) {
        const auto& row = s.sizes[i];
        top.push_back({{"size", row.size}, {"blocks", row.blocks}, {"bytes", row.size * row.blocks}});
    }
    return {{"distinct", s.sizes.size()},
            {"uncounted_blocks", s.uncounted_sizes.blocks},
            {"top", top},
            {"classes", histogram_json(s.by_size)}};
}

json kinds_json(const summary& s) {
    json rows = json::array();
    for (const auto& row : s.kinds) {
        const char* group = requests(row.kind) ? "request" : releases(row.kind) ? "release" : "fact";
        rows.push_back({{"kind", std::string(name(row.kind))},
                        {"group", group},
                        {"events", row.events},
                        {"failed", row.failed},
                        {"bytes", row.bytes}});
    }
    return rows;
}

json threads_json(const summary& s) {
    json rows = json::array();
    for (const auto& row : s.per_thread) {
        rows.push_back({{"thread", row.thread},
                        {"name", valid_utf8(row.name)},
                        {"allocations", row.allocations},
                        {"bytes_allocated", row.bytes_allocated},
                        {"peak_bytes", row.peak_bytes},
                        {"frees", row.frees},
                        {"remote_frees", row.remote_frees},
                        {"leaked_bytes", row.live_bytes}});
    }
    return rows;
}

json crossings_json(const summary& s) {
    json rows = json::array();
    for (const auto& pair : s.crossings) {
        if (rows.size() == most_crossings) break;
        rows.push_back({{"born", pair.born},
                        {"died", pair.died},
                        {"blocks", pair.freed.blocks},
                        {"bytes", pair.freed.bytes}});
    }
    return rows;
}

json alignments_json(const summary& s) {
    json rows = json::array();
    for (std::size_t c = 1; c < s.alignments.size(); ++c) {
        if (s.alignments[c].blocks == 0) continue;
        rows.push_back({{"alignment", power_class_from(c)}, {"blocks", s.alignments[c].blocks}});
    }
    return rows;
}

json process_json(const trace_info& info) {
    json command = json::array();
    for (const auto& word : info.command_line) command.push_back(valid_utf8(word));
    return {{"command", command},
            {"command_cut", info.command_line_cut},
            {"executable", valid_utf8(info.executable)},
            {"pid", info.process},
            {"parent", info.parent},
            {"forked", info.forked},
            {"start_unix_ns", info.start_unix_ns}};
}

json mappings_json(const summary& s) {
    const auto& m = s.mapped;
    json most = json::array(), libraries = most;
    for (const auto& bucket : s.over_time.buckets()) most.push_back(bucket.mapped_most);
    for (const auto& l : s.libraries) {
        libraries.push_back({{"time_ns", l.time_ns}, {"thread", l.thread}, {"call", l.loaded ? "dlopen" : "dlclose"}, {"name", valid_utf8(l.name)}});
    }
    return {{"maps", m.maps}, {"unmaps", m.unmaps}, {"bytes", m.bytes}, {"live_bytes", m.live_bytes}, {"peak_bytes", m.peak_bytes},
            {"peak_time_ns", m.peak_time_ns}, {"mapped_most", most}, {"libraries", libraries}};
}

const char* state_word(trace_state state) {
    switch (state) {
        case trace_state::running:
            return "running";
        case trace_state::closed:
            return "closed";
        case trace_state::cut:
            return "cut";
        case trace_state::replaced:
            return "replaced";
    }
    return "unknown";
}

json definitions_json() {
    json rows = json::array();
    for (const auto& d : words) rows.push_back({{"word", d.word}, {"meaning", d.meaning}});
    return rows;
}

/// The plain figures.
json totals_json(const summary& s) {
    return {{"sample_mean", s.sample_mean},
            {"events", s.events},
            {"allocations", s.allocations},
            {"frees", s.frees},
            {"bytes_allocated", s.bytes_allocated},
            {"peak_bytes", s.peak_bytes},
            {"peak_time_ns", s.peak_time_ns},
            {"blocks_at_peak", s.blocks_at_peak},
            {"peak_blocks", s.peak_blocks},
            {"leaked_bytes", s.leaked.bytes},
            {"leaked_blocks", s.leaked.blocks},
            {"threads", s.threads},
            {"failed_requests", s.failed_requests},
            {"reallocations", s.reallocations},
            {"reallocations_in_place", s.reallocations_in_place},
            {"reallocations_moved", s.reallocations - s.reallocations_in_place},
            {"zero_size", s.zero_size},
            {"null_frees", s.null_frees},
            {"foreign_frees", s.foreign_frees},
            {"lost_frees", s.lost_frees},
            {"temporary_blocks", s.temporary.blocks},
            {"temporary_bytes", s.temporary.bytes},
            {"remote_frees", s.remote.blocks},
            {"remote_bytes", s.remote.bytes},
            {"duration_ns", s.duration_ns}};
}

}  // namespace

std::span<const definition> definitions() noexcept { return words; }

std::string damage_text(trace_health health) {
    // Frees of older blocks are figures of the summary, and no damage: a child of fork has many.
    health.foreign_releases = health.forced_grants = 0;
    return describe(health);
}

nlohmann::json summary_json(const summary& s, const trace_info& info, const trace_health& health) {
    json all = totals_json(s);
    all["ashlar_report"] = 1;
    all["process"] = process_json(info);
    all["state"] = state_word(info.state);
    all["state_text"] = valid_utf8(describe(info));
    all["damage_text"] = valid_utf8(damage_text(health));
    all["dropped_events"] = info.dropped_events;
    all["kinds"] = kinds_json(s);
    all["timeline"] = timeline_json(s.over_time);
    all["memory"] = memory_json(s);
    if (info.has_maps) all["mappings"] = mappings_json(s);
    all["sizes"] = sizes_json(s);
    all["alignments"] = alignments_json(s);
    all["lifetimes"] = {{"time", histogram_json(by_lifetime(s.lives_in_time))},
                        {"bytes", histogram_json(by_lifetime(s.lives_in_bytes))}};
    all["size_by_lifetime"] = {{"columns", {"size_from", "lifetime_from", "blocks", "bytes"}},
                               {"time", grid_json(s.lives_in_time)},
                               {"bytes", grid_json(s.lives_in_bytes)}};
    all["never_freed"] = histogram_json(s.never_freed);
    all["per_thread"] = threads_json(s);
    all["crossings"] = crossings_json(s);
    all["definitions"] = definitions_json();
    return all;
}

}  // namespace ashlar::app
