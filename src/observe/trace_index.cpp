#include "trace_index.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "checksum.hpp"

namespace ashlar {

namespace f = trace_format;

namespace {

/// Two readings of both clocks at one moment.
struct moment {
    std::uint64_t ticks;
    std::uint64_t ns;
};

std::string check_header(const trace_source& source, const f::file_header& h, std::string& strings) {
    if (h.byte_order != f::byte_order) return "was written on a machine of the other byte order";
    if (h.version != f::version) {
        return "has format version " + std::to_string(h.version) + "; this program reads version " +
               std::to_string(f::version);
    }
    const std::uint64_t text = std::uint64_t{h.command_bytes} + h.executable_bytes;
    if (h.header_bytes < 512 || h.header_bytes > (1U << 20) || h.header_bytes % f::chunk_step != 0 ||
        text > h.header_bytes - f::strings_offset || h.ticks_per_second == 0) {
        return "is damaged: its header is impossible";
    }
    strings.resize(static_cast<std::size_t>(text));
    if (source.read(f::strings_offset, strings.data(), strings.size()) != strings.size()) {
        return "is cut short inside its header";
    }
    const std::uint32_t sum = crc32c(0, &h, offsetof(f::file_header, checksum));
    if (crc32c(sum, strings.data(), strings.size()) != h.checksum) return "is damaged: its header's checksum is wrong";
    constexpr std::uint32_t known = f::needs_stacks | f::needs_packed | f::needs_sampled | f::needs_memory | f::needs_maps;
    if ((h.needs & ~known) != 0) return "uses a feature that this program does not know";
    return "";
}

void fill_info(const f::file_header& h, const std::string& strings, trace_info& info) {
    info.version = h.version;
    info.process = h.process;
    info.parent = h.parent;
    info.page_size = h.page_size;
    info.forked = h.flags & f::flag_forked;
    info.command_line_cut = h.flags & f::flag_command_line_cut;
    info.has_stacks = h.needs & f::needs_stacks;
    info.has_maps = h.needs & f::needs_maps;
    if (h.flags & f::flag_malloc_is_ashlar) info.behind = trace_malloc::ashlar;
    if (h.flags & f::flag_malloc_is_glibc) info.behind = trace_malloc::glibc;
    info.stack_depth = info.has_stacks ? h.stack_depth : 0;
    // 2^60: no program ever allocates so much, and the arithmetic of weights stays away from its limits.
    if (h.needs & f::needs_sampled) info.sample_mean = std::min(h.sample_mean, std::uint64_t{1} << 60);
    info.executable = strings.substr(h.command_bytes);
    const std::string arguments = strings.substr(0, h.command_bytes);
    for (std::size_t at = 0; at < arguments.size();) {
        const std::size_t end = std::min(arguments.find('\0', at), arguments.size());
        info.command_line.push_back(arguments.substr(at, end - at));
        at = end + 1;
    }
    info.ticks_per_second = h.ticks_per_second;
    info.start_unix_ns = h.start_unix_ns;
    // These change while the program runs, and no checksum covers them: what is impossible counts as not said.
    if (h.state <= static_cast<std::uint32_t>(trace_state::replaced)) info.state = static_cast<trace_state>(h.state);
    if (info.state == trace_state::cut && h.cut <= static_cast<std::uint32_t>(trace_cut::io_error)) {
        info.cut = static_cast<trace_cut>(h.cut);
    }
    info.dropped_events = h.dropped_events;
}

bool is_chunk(const f::chunk_header& c) noexcept {
    return c.magic == f::chunk_magic && c.capacity >= sizeof c && c.capacity <= f::chunk_limit &&
           c.capacity % f::chunk_step == 0;
}

/// Takes up one chunk whose header stands. The moment of its start is offered as the latest known.
void add_chunk(const trace_source& source, std::uint64_t offset, const f::chunk_header& c, trace_index& index,
               moment& latest) {
    const bool packed = c.coding == f::coding_packed && index.is_packed && c.used != 0;
    if (c.used > c.capacity - sizeof c || (c.coding != f::coding_plain && !packed)) {
        ++index.health.damaged_chunks;
        return;
    }
    const std::uint64_t in_file = source.size() - offset - sizeof c;  // trace_index.I1: the header was read whole
    const std::uint64_t wanted = c.used != 0 ? c.used : c.capacity - sizeof c;
    const bool truncated = wanted > in_file;
    index.health.truncated_chunks += truncated;
    index.chunks.push_back({offset, static_cast<std::uint32_t>(std::min(wanted, in_file)), c.thread, c.sequence,
                            c.used != 0 && !truncated, truncated});
    if (c.start_monotonic_ns > latest.ns) latest = {c.start_ticks, c.start_monotonic_ns};
}

moment find_chunks(const trace_source& source, std::uint64_t offset, std::uint64_t end, trace_index& index) {
    moment latest{0, 0};
    f::chunk_header c;
    const std::uint32_t step = index.is_packed ? f::chunk_step : f::region_step;
    while (offset < end) {
        const std::size_t got = source.read(offset, &c, sizeof c);
        if (got < sizeof c) {
            // The file ends inside a header, or shrank. Zeros are space that was never used.
            index.health.truncated_chunks += got >= 4 && std::memcmp(&c.magic, &f::chunk_magic, 4) == 0;
            break;
        }
        if (is_chunk(c)) {
            add_chunk(source, offset, c, index, latest);
            offset += c.capacity;
            continue;
        }
        const std::uint64_t next = (offset / step + 1) * step;
        if (c.magic != 0) index.health.skipped_bytes += std::min(next, end) - offset;
        offset = c.magic == 0 ? std::max(next, source.next_data(next) / step * step) : next;
    }
    return latest;
}

/// @returns whether there was an index, all of it possible; else nothing is added
bool read_chunk_index(const trace_source& source, const f::file_header& h, trace_index& index, moment& latest) {
    f::index_header x;
    if (!index.is_packed || h.index_at < h.header_bytes || source.read(h.index_at, &x, sizeof x) != sizeof x ||
        x.magic != f::index_magic || x.entries > (source.size() - h.index_at - sizeof x) / sizeof(f::index_entry)) {
        return false;
    }
    constexpr std::size_t summed = offsetof(f::index_header, entries);
    std::uint32_t sum = crc32c(0, reinterpret_cast<const std::byte*>(&x) + summed, sizeof x - summed);
    std::vector<f::index_entry> some(std::min<std::uint64_t>(x.entries, 4096));
    std::uint64_t at = h.index_at + sizeof x, free = h.header_bytes;
    for (std::uint64_t left = x.entries; left != 0; left -= some.size()) {
        some.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, some.size())));
        const std::size_t bytes = some.size() * sizeof(f::index_entry);
        if (source.read(at, some.data(), bytes) != bytes) break;
        sum = crc32c(sum, some.data(), bytes);
        at += bytes;
        for (const f::index_entry& e : some) {
            if (e.offset < free || e.offset % f::chunk_step != 0 || e.used > f::chunk_limit ||
                h.index_at < e.offset + sizeof(f::chunk_header) + e.used) {
                index.chunks.clear();
                return false;
            }
            free = e.offset + sizeof(f::chunk_header) + e.used;  // trace_index.I1
            index.chunks.push_back({e.offset, e.used, e.thread, e.sequence, e.used != 0, false});
        }
    }
    if (sum != x.checksum || index.chunks.size() != x.entries) {
        index.chunks.clear();
        return false;
    }
    latest = {x.latest_ticks, x.latest_monotonic_ns};
    return true;
}

void find_threads(const trace_source& source, trace_index& index) {
    auto& chunks = index.chunks;
    std::sort(chunks.begin(), chunks.end(), [](const auto& a, const auto& b) {
        return std::tie(a.thread, a.sequence, a.offset) < std::tie(b.thread, b.sequence, b.offset);
    });
    for (std::size_t first = 0; first < chunks.size();) {
        trace_thread t;
        t.first = first;
        std::uint64_t expected = 0;
        for (t.last = first; t.last < chunks.size() && chunks[t.last].thread == chunks[first].thread; ++t.last) {
            const std::uint64_t number = chunks[t.last].sequence;
            if (number > expected) index.health.missing_chunks += number - expected;
            expected = number + 1;
        }
        f::chunk_header c{};
        source.read(chunks[t.last - 1].offset, &c, sizeof c);
        std::memcpy(t.name, c.name, sizeof t.name);
        t.name[sizeof t.name - 1] = 0;
        t.os_id = c.os_thread;
        source.read(chunks[first].offset, &c, sizeof c);
        t.start_ticks = c.start_ticks;
        index.threads.push_back(t);
        first = t.last;
    }
}

/// The frequency by the widest pair of moments, unless that contradicts the estimate made at the start.
std::uint64_t better_frequency(const f::file_header& h, moment latest) noexcept {
    if (h.tick_source == f::ticks_are_ns || latest.ns <= h.start_monotonic_ns || latest.ticks <= h.start_ticks ||
        latest.ns - h.start_monotonic_ns < 100'000) {
        return h.ticks_per_second;
    }
    const std::uint64_t measured =
        scale(latest.ticks - h.start_ticks, ns_per_second, latest.ns - h.start_monotonic_ns);
    const bool plausible = measured / 2 <= h.ticks_per_second && h.ticks_per_second / 2 <= measured && measured != 0;
    return plausible ? measured : h.ticks_per_second;
}

}  // namespace

std::string read_index(const trace_source& source, trace_index& index) {
    f::file_header h{};
    const std::size_t got = source.read(0, &h, sizeof h);
    if (source.size() == 0) return "is empty";
    if (got < sizeof h.magic || std::memcmp(h.magic, f::file_magic, sizeof h.magic) != 0) {
        return got >= sizeof h.magic && std::all_of(h.magic, h.magic + 8, [](char c) { return c == 0; })
                   ? "has no header yet: nothing was recorded"
                   : "is not a trace of Ashlar";
    }
    if (got < sizeof h) return "is cut short inside its header";
    std::string strings;
    if (std::string why = check_header(source, h, strings); !why.empty()) return why;
    fill_info(h, strings, index.info);
    index.is_packed = h.needs & f::needs_packed;
    index.tells_memory = h.needs & f::needs_memory;
    index.info.file_bytes = source.size();
    // The file may have grown since it was opened: what counts is whether it has the length now.
    if (h.given_bytes > source.size() && h.given_bytes > source.size_now()) {
        index.health.missing_bytes = h.given_bytes - source.size();
    }
    index.start_ticks = h.start_ticks;
    moment latest{};
    if (!read_chunk_index(source, h, index, latest)) {
        const bool ends_with_index = index.is_packed && h.index_at >= h.header_bytes && h.index_at < source.size();
        latest = find_chunks(source, h.header_bytes, ends_with_index ? h.index_at : source.size(), index);
    }
    if (h.end_monotonic_ns > latest.ns && h.end_ticks >= h.start_ticks) latest = {h.end_ticks, h.end_monotonic_ns};
    find_threads(source, index);
    index.info.ticks_per_second = better_frequency(h, latest);
    index.ns_per_tick = fixed_scale(ns_per_second, index.info.ticks_per_second);
    index.end_ticks = std::max(latest.ticks, h.start_ticks);
    index.info.duration_ns = index.ns_of(index.end_ticks);
    index.info.threads = index.threads.size();
    index.info.chunks = index.chunks.size();
    return "";
}

}  // namespace ashlar
