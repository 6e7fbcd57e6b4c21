#include "ashlar/observe/summary.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "ashlar/foundation/contract.hpp"
#include "ashlar/observe/address_map.hpp"
#include "ashlar/observe/mapped_ranges.hpp"
#include "ashlar/observe/sample_weight.hpp"
#include "ashlar/observe/usable_size.hpp"

namespace ashlar {
namespace {

/// What must be known of a block when it dies.
struct birth {
    std::uint64_t size = 0;
    std::uint64_t time_ns = 0;
    std::uint64_t clock = 0;  ///< bytes_allocated, this block's included
    std::uint64_t turn = 0;   ///< allocations of its thread, this one included
    std::uint32_t stack = 0;
    std::uint16_t thread = 0;
    std::uint8_t alignment = 0;  ///< bits of the one asked for
    bool resized = false;        ///< it was reallocated

    std::uint64_t usable(trace_malloc of) const noexcept { return usable_size(of, size, std::uint64_t{1} << alignment); }
};
static_assert(sizeof(birth) == 40 && summary::other_threads <= UINT16_MAX);

/// How often each size was asked for. Small sizes, which are nearly all, are counted without hashing.
class size_counts {
public:
    /// @returns false if the size is one too many to be told apart
    bool add(std::uint64_t size, std::uint64_t n) {
        if (size < small_.size()) {
            small_[size] += n;
            return true;
        }
        if (const auto found = large_.find(size); found != large_.end()) {
            found->second += n;
            return true;
        }
        if (large_.size() + small_.size() >= summary::size_limit) return false;
        large_.emplace(size, n);
        return true;
    }

    std::vector<summary::size_row> most_frequent_first() const {
        std::vector<summary::size_row> rows;
        for (std::size_t size = 0; size < small_.size(); ++size) {
            if (small_[size] > 0) rows.push_back({size, small_[size]});
        }
        for (const auto& [size, blocks] : large_) rows.push_back({size, blocks});
        std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
            return a.blocks != b.blocks ? a.blocks > b.blocks : a.size < b.size;
        });
        return rows;
    }

private:
    std::vector<std::uint64_t> small_ = std::vector<std::uint64_t>(8192);
    std::unordered_map<std::uint64_t, std::uint64_t> large_;
};

}  // namespace

struct summary_builder::body {
    summary so_far;
    address_map<birth> live;
    std::uint64_t live_bytes = 0;
    std::uint64_t live_count = 0;  ///< of blocks that are live, and what they stand for
    std::uint64_t usable_bytes = 0;
    std::uint64_t last_time_ns = 0;
    mapped_ranges mapped;
    size_counts sizes;
    stack_costs stacks;
    realloc_chains chains;
    std::array<summary::kind_row, event_kind_limit> kinds{};
    std::unordered_map<std::uint64_t, tally> crossings;  // by (born << 32 | died)

    summary::thread_row& thread(std::uint32_t number) {
        auto& rows = so_far.per_thread;
        const std::uint32_t row = std::min(number, summary::thread_limit);
        while (rows.size() <= row)
            rows.push_back({.thread = static_cast<std::uint32_t>(rows.size()), .name = {}});
        return rows[row];
    }

    /// What of the program it stands for: itself, or in a sample more.
    std::uint64_t weight(const birth& b, std::uint64_t address) const {
        return sample_weight(so_far.sample_mean, b.size, address, b.time_ns);
    }
    std::uint64_t weight(const event& e) const { return sample_weight(so_far.sample_mean, e.size, e.address, e.time_ns); }
    /// `before` is what the block was that is reallocated.
    void grant(const event&, const std::optional<birth>& before, timeline::change&);
    /// @returns the block, if the event is a reallocation that grants it anew
    std::optional<birth> release(const event&, std::uint64_t address, timeline::change&);
    void record_death(const event&, const birth&, std::uint64_t n);
    void count_request(const event&);
    void count_fact(const event&);
    void count_calls(const event& e, std::uint64_t n) { kinds[static_cast<std::size_t>(e.kind)].events += n; }
    void count_sampled(const event& e, std::uint64_t n) {
        if (so_far.sample_mean != 0) count_calls(e, n);
    }
};

void summary_builder::body::count_request(const event& e) {
    summary& s = so_far;
    const std::uint64_t n = weight(e);
    if (e.failed) {
        s.failed_requests += n;
        kinds[static_cast<std::size_t>(e.kind)].failed += n;
        count_sampled(e, n);
        return;
    }
    if (e.size == 0) ++s.zero_size;
    if (states_alignment(e.kind)) s.alignments[power_class(e.alignment)].add(e.size, n);
    if (moves(e.kind) && e.old_address != 0 && s.sample_mean == 0) {  // a sample may tell half of a reallocation
        ++s.reallocations;
        if (e.address == e.old_address) ++s.reallocations_in_place;
    }
}

void summary_builder::body::count_fact(const event& e) {
    summary::mapping& m = so_far.mapped;
    if (e.kind == event_kind::map) {
        mapped.add(e.address, e.size);
        ++m.maps;
        m.bytes += e.size;
        kinds[static_cast<std::size_t>(e.kind)].bytes += e.size;
        if (mapped.bytes() > m.peak_bytes) m.peak_bytes = mapped.bytes(), m.peak_time_ns = e.time_ns;
    } else if (e.kind == event_kind::unmap) {
        mapped.remove(e.address, e.size);
        ++m.unmaps;
    } else if (names_text(e.kind) && so_far.libraries.size() < summary::library_limit) {
        so_far.libraries.push_back({e.time_ns, e.size, e.thread, e.kind == event_kind::load, {}});
    }
    m.live_bytes = mapped.bytes();
}

void summary_builder::body::grant(const event& e, const std::optional<birth>& before, timeline::change& change) {
    summary& s = so_far;
    if (const auto lost = live.take(e.granted())) {
        // The address was given back and the trace does not say when: the block's lifetime is unknown.
        const std::uint64_t n = weight(*lost, e.granted());
        s.lost_frees += n;
        live_count -= n;
        live_bytes -= n * lost->size;
        usable_bytes -= n * lost->usable(s.behind);
        thread(lost->thread).live_bytes -= n * lost->size;
        stacks.release(lost->stack, lost->size, false, n);
        if (lost->resized) chains.end(e.granted());
    }
    const std::uint64_t n = weight(e);
    const std::uint64_t bytes = n * e.size;
    count_sampled(e, n);
    s.allocations += n;
    s.bytes_allocated += bytes;
    s.by_size[power_class(e.size)].add(e.size, n);
    if (!sizes.add(e.size, n)) s.uncounted_sizes.add(e.size, n);
    kinds[static_cast<std::size_t>(e.kind)].bytes += bytes;

    auto& row = thread(e.thread);
    row.allocations += n;
    row.bytes_allocated += bytes;
    row.live_bytes += bytes;
    row.peak_bytes = std::max(row.peak_bytes, row.live_bytes);

    const bool resized = before.has_value() && s.sample_mean == 0;  // of a sample, chains have holes
    const auto alignment = static_cast<std::uint8_t>(std::has_single_bit(e.alignment) ? std::countr_zero(e.alignment) : 0);
    const birth born{e.size, e.time_ns, s.bytes_allocated, row.allocations, e.stack, static_cast<std::uint16_t>(row.thread), alignment, resized};
    live.insert(e.granted(), born);
    if (resized) chains.resize(e.old_address, before->size, e.granted(), e.size, e.stack, before->resized);
    stacks.grant(e.stack, e.size, n);
    live_bytes += bytes;
    live_count += n;
    usable_bytes += n * born.usable(s.behind);
    s.peak_blocks = std::max(s.peak_blocks, live_count);
    if (live_bytes > s.peak_bytes) {
        s.peak_bytes = live_bytes;
        s.peak_time_ns = e.time_ns;
        s.peak_event = s.events;
        s.blocks_at_peak = live_count;
        s.usable_at_peak = usable_bytes;
        stacks.peak();
    }
    change.allocations += n;
    change.bytes_allocated += bytes;
}

std::optional<birth> summary_builder::body::release(const event& e, std::uint64_t address, timeline::change& change) {
    const auto born = live.take(address);
    if (!born) {
        ++so_far.foreign_frees;
        return std::nullopt;
    }
    // A damaged trace may claim sizes whose sum wraps: unsigned arithmetic comes back with each death.
    const std::uint64_t n = weight(*born, address);
    live_bytes -= n * born->size;
    live_count -= n;
    usable_bytes -= n * born->usable(so_far.behind);
    so_far.frees += n;
    if (releases(e.kind)) count_sampled(e, n);
    change.frees += n;
    record_death(e, *born, n);
    if (e.granted() != 0) return born;
    if (born->resized) chains.end(address);
    return std::nullopt;
}

void summary_builder::body::record_death(const event& e, const birth& born, std::uint64_t n) {
    summary& s = so_far;
    const std::size_t size_class = power_class(born.size);
    s.lives_in_time[size_class][power_class(e.time_ns - born.time_ns)].add(born.size, n);
    s.lives_in_bytes[size_class][power_class(s.bytes_allocated - born.clock)].add(born.size, n);

    thread(born.thread).live_bytes -= n * born.size;
    auto& killer = thread(e.thread);
    // Between two requests of a sample there were others: what is temporary cannot be told.
    const bool temporary = s.sample_mean == 0 && killer.thread == born.thread && releases(e.kind) && killer.allocations == born.turn;
    stacks.release(born.stack, born.size, temporary, n);
    killer.frees += n;
    if (killer.thread != born.thread) {
        killer.remote_frees += n;
        s.remote.add(born.size, n);
        crossings[std::uint64_t{born.thread} << 32 | killer.thread].add(born.size, n);
    } else if (temporary) {
        s.temporary.add(born.size, n);
    }
}

summary_builder::summary_builder(std::uint64_t sample_mean, trace_malloc behind) : body_(std::make_unique<body>()) {
    body_->so_far.sample_mean = sample_mean;
    body_->so_far.behind = behind;
}
summary_builder::~summary_builder() = default;
summary_builder::summary_builder(summary_builder&&) noexcept = default;
summary_builder& summary_builder::operator=(summary_builder&&) noexcept = default;

void summary_builder::add(const event& e) {
    body& b = *body_;
    ASHLAR_PRE(e.time_ns >= b.last_time_ns);
    ASHLAR_PRE(static_cast<unsigned>(e.kind) < event_kind_limit);
    b.last_time_ns = e.time_ns;
    ++b.so_far.events;
    if (b.so_far.sample_mean == 0 || !(requests(e.kind) || releases(e.kind))) b.count_calls(e, 1);
    b.so_far.threads = std::max<std::uint64_t>(b.so_far.threads, std::uint64_t{e.thread} + 1);
    b.thread(e.thread);

    timeline::change change;
    if (requests(e.kind)) b.count_request(e);
    else if (!releases(e.kind)) b.count_fact(e);
    std::optional<birth> before;
    if (e.released() != 0) {
        before = b.release(e, e.released(), change);
    } else if (releases(e.kind)) {
        ++b.so_far.null_frees;
    }
    if (e.granted() != 0) b.grant(e, before, change);
    change.live = b.live_bytes;
    change.usable = b.usable_bytes;
    change.mapped = b.so_far.mapped.live_bytes;
    b.so_far.over_time.add(e.time_ns, change);
    ASHLAR_INVARIANT(b.so_far.allocations ==
                     b.so_far.frees + b.live_count + b.so_far.lost_frees);  // summary.I1
}

std::unique_ptr<summary> summary_builder::finish(std::uint64_t end_ns) const {
    const body& b = *body_;
    auto done = std::make_unique<summary>(b.so_far);
    done->duration_ns = std::max(end_ns, b.last_time_ns);
    done->over_time.extend_to(done->duration_ns);
    done->sizes = b.sizes.most_frequent_first();
    done->stacks = b.stacks.rows();
    done->chains = b.chains.now();
    b.live.for_each([&](std::uint64_t address, const birth& block) {
        const std::uint64_t n = b.weight(block, address);
        done->leaked.add(block.size, n);
        done->never_freed[power_class(block.size)].add(block.size, n);
    });
    for (std::size_t kind = 0; kind < event_kind_limit; ++kind) {
        if (b.kinds[kind].events == 0) continue;
        done->kinds.push_back(b.kinds[kind]);
        done->kinds.back().kind = static_cast<event_kind>(kind);
    }
    for (const auto& [pair, freed] : b.crossings) {
        done->crossings.push_back(
            {static_cast<std::uint32_t>(pair >> 32), static_cast<std::uint32_t>(pair), freed});
    }
    std::sort(done->crossings.begin(), done->crossings.end(), [](const auto& x, const auto& y) {
        if (x.freed.blocks != y.freed.blocks) return x.freed.blocks > y.freed.blocks;
        return std::pair(x.born, x.died) < std::pair(y.born, y.died);
    });
    return done;
}

}  // namespace ashlar
