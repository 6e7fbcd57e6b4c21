// bench/recorder/bound.cpp - how few bytes an event of a trace could take. bound TRACE...
//
// Each part of an event is given what an adaptive coder without rounding would pay for it under a model that a packer could
// follow: kinds and sizes by those before, a granted address by the blocks of its size that were freed last, a freed one by the
// order in which blocks were granted, times by the calls between. No claim that no model does better: a claim that times are noise.
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>
#include <unordered_map>
#include <vector>

#include "ashlar/observe/trace_reader.hpp"

namespace {

using number = std::uint64_t;

/// Bits of a number that nothing is known of but that small ones are likelier.
double plain_bits(number n) { return 1 + 2 * std::log2(static_cast<double>(n) + 1); }
double spread_bits(number from, number to) { return plain_bits(from < to ? 2 * (to - from) : 2 * (from - to)); }

/// What symbols cost, each counted in its context; one that is new there costs an escape and what `otherwise` says.
class adaptive {
public:
    template <class Otherwise>
    double bits(number context, number symbol, Otherwise otherwise) {
        counts& c = contexts_[context];
        unsigned& seen = c.of[symbol];
        const double all = c.all + static_cast<double>(c.of.size());
        const double cost = seen != 0 ? -std::log2(seen / all) : -std::log2(static_cast<double>(c.of.size()) / all) + otherwise();
        ++seen;
        ++c.all;
        return cost;
    }
    double bits(number context, number symbol) {
        return bits(context, symbol, [&] { return plain_bits(symbol); });
    }

private:
    struct counts {
        std::unordered_map<number, unsigned> of;
        double all = 0;
    };
    std::unordered_map<number, counts> contexts_;
};

struct block {
    number serial;
    number size;
};

struct last_of_thread {
    number kind = 0, kind_before = 0, size = 0, size_before = 0, ticks = 0, granted_end = 0, freed_serial = 0;
    std::unordered_map<number, std::vector<number>> freed;  // by size in units of 16, as mallocs keep them
};

class bound {
public:
    void take(const ashlar::event& e, number ticks) {
        last_of_thread& t = threads_[e.thread];
        const auto kind = static_cast<number>(e.kind);
        kinds += kinds_.bits(t.kind << 40 | t.kind_before << 32 | (t.size & 0xFFFFFFFF), kind);
        const number passed = ticks - t.ticks;
        times += times_.bits(t.kind << 8 | kind, passed < 256 ? passed : 256 + static_cast<number>(std::bit_width(passed)));
        if (passed >= 256) times += static_cast<double>(std::bit_width(passed) - 1);
        t.ticks = ticks;
        const bool in_place = e.released() != 0 && e.released() == e.granted();
        if (e.released() != 0 && !in_place) release(t, e.released());
        if (e.granted() != 0) {
            sizes += sizes_.bits(t.size << 24 ^ t.size_before, e.size, [&] { return any_size_.bits(0, e.size); });
            if (in_place) live_[e.granted()].size = e.size;
            else grant(t, e.granted(), e.size);
            t.size_before = t.size;
            t.size = e.size;
        }
        t.kind_before = t.kind;
        t.kind = kind;
        ++events;
    }

    number events = 0;
    double kinds = 0, times = 0, sizes = 0, granted = 0, freed = 0;  // bits

private:
    static number units(number size) { return size < 25 ? 2 : (size + 8 + 15) / 16; }

    void grant(last_of_thread& t, number address, number size) {
        constexpr number deeper = 8, next_to_last = 9, elsewhere = 10;
        auto& list = t.freed[units(size)];
        number how = address == t.granted_end ? next_to_last : elsewhere;
        for (std::size_t back = 1; back <= list.size(); ++back) {
            if (list[list.size() - back] != address) continue;
            how = back <= deeper ? back - 1 : deeper;
            if (how == deeper) granted += std::log2(static_cast<double>(list.size()));
            list.erase(list.end() - static_cast<std::ptrdiff_t>(back));
            break;
        }
        granted += grants_.bits(units(size), how);
        if (how == elsewhere) granted += spread_bits(t.granted_end / 16, address / 16);
        if (how >= next_to_last) t.granted_end = address + 16 * units(size);
        live_[address] = {serial_, size};
        by_serial_[serial_++] = address;
    }

    void release(last_of_thread& t, number address) {
        const auto found = live_.find(address);
        if (found == live_.end()) {
            freed += 48;
            return;
        }
        const block b = found->second;
        // How far from the newest block, or from where the last one freed stood in the order of grants.
        constexpr number far = 16;
        number how = far;
        auto at = by_serial_.end();
        for (number i = 0; i < 2 && at != by_serial_.begin() && how == far; ++i) how = (--at)->first == b.serial ? i : far;
        at = by_serial_.lower_bound(t.freed_serial);
        for (number i = 2; i < 6 && at != by_serial_.end() && how == far; ++i, ++at) how = at->first == b.serial ? i : far;
        at = by_serial_.lower_bound(t.freed_serial);
        for (number i = 6; i < 10 && at != by_serial_.begin() && how == far; ++i) how = (--at)->first == b.serial ? i : far;
        freed += frees_.bits(t.kind, how);
        if (how == far) freed += spread_bits(t.freed_serial, b.serial);
        t.freed_serial = b.serial;
        t.freed[units(b.size)].push_back(address);
        by_serial_.erase(b.serial);
        live_.erase(found);
    }

    adaptive kinds_, times_, sizes_, any_size_, grants_, frees_;
    std::unordered_map<std::uint32_t, last_of_thread> threads_;
    std::unordered_map<number, block> live_;
    std::map<number, number> by_serial_;
    number serial_ = 1;
};

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        ashlar::trace_reader trace = ashlar::trace_reader::open(argv[i]);
        if (!trace) return std::fprintf(stderr, "%s\n", trace.error().c_str()), 1;
        bound b;
        const double ticks_per_ns = static_cast<double>(trace.info().ticks_per_second) / 1e9;
        while (const ashlar::event* e = trace.next()) b.take(*e, static_cast<number>((static_cast<double>(e->time_ns) + 0.5) * ticks_per_ns + 0.5));
        const double all = 8 * static_cast<double>(b.events);
        std::printf("{\"trace\": \"%s\", \"events\": %llu, \"kinds\": %.3f, \"times\": %.3f, \"sizes\": %.3f, \"granted\": %.3f, \"freed\": %.3f, \"sum\": %.3f}\n",
                    argv[i], static_cast<unsigned long long>(b.events), b.kinds / all, b.times / all, b.sizes / all, b.granted / all, b.freed / all,
                    (b.kinds + b.times + b.sizes + b.granted + b.freed) / all);
    }
}
