// adaptive - programs whose phases differ: the allocator that changes with them, beside each of its candidates alone.
//
// Usage:  adaptive [rounds [workload]]     0 rounds: each once, for callgrind to count (--collect-atstart=no)
// Long:   the programs, drawn one after another, are most of it.
// Output: one JSON object per line: workload, heap, changes, peak of held memory over live bytes, ns per operation of every round.
// What a program does is drawn beforehand as a script, so that the loop is a call and a touch of every line that is granted.
// Rounds are interleaved: every heap runs once before any runs again, made anew, from pages of the kernel: who takes more
// memory than it needs pays for touching it, as in a program.
#include <algorithm>
#include <string>

#include "../strategy/heaps.hpp"
#include "../toolkit/rounds.hpp"
#include "../workloads/support.hpp"
#include "ashlar/compose/segregate.hpp"
#include "ashlar/preset/adaptive_default.hpp"
#include "ashlar/strategy/tlsf.hpp"
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else  // without the header nothing can be counted
#define CALLGRIND_TOGGLE_COLLECT std::exit(77)
#define CALLGRIND_DUMP_STATS_AT(name) static_cast<void>(name)
#endif

using namespace bench;

namespace {

// ---- what a program does --------------------------------------------------------------------------------

struct step {
    std::uint32_t place;
    std::uint32_t size;  // 0: give back
};

/// Draws a script; keeps account of what is live.
class program {
public:
    std::vector<step> steps;
    std::size_t peak = 0;

    std::uint32_t take(std::size_t size) {
        std::uint32_t place = static_cast<std::uint32_t>(sizes_.size());
        if (free_.empty()) {
            sizes_.push_back(0);
        } else {
            place = free_.back();
            free_.pop_back();
        }
        sizes_[place] = static_cast<std::uint32_t>(size);
        steps.push_back({place, static_cast<std::uint32_t>(size)});
        live_ += size;
        peak = std::max(peak, live_);
        return place;
    }
    void give(std::uint32_t place) {
        live_ -= sizes_[place];
        steps.push_back({place, 0});
        free_.push_back(place);
    }
    void give_all(std::vector<std::uint32_t>& all) {
        for (const std::uint32_t place : all) give(place);
        all.clear();
    }
    std::size_t places() const { return sizes_.size(); }
    const std::vector<std::uint32_t>& sizes() const { return sizes_; }
    std::size_t below(std::size_t n) { return choose_.below(n); }
    /// As many small as large, by doublings.
    std::size_t spread(unsigned from, unsigned to) {
        const std::size_t low = std::size_t{1} << (from + below(to - from));
        return low + below(low);
    }

private:
    std::vector<std::uint32_t> sizes_, free_;
    std::size_t live_ = 0;
    dice choose_{29};
};

using places = std::vector<std::uint32_t>;

/// A document is parsed into small nodes, which end together.
void documents(program& p, std::size_t times, std::size_t nodes) {
    places live;
    for (std::size_t d = 0; d < times; ++d) {
        for (std::size_t i = 0; i < nodes; ++i) live.push_back(p.take(16 + p.below(184)));
        p.give_all(live);
    }
}
/// Each request replaces a block at random; all of a size, or of any.
template <class Size>
void steady(program& p, std::size_t live_blocks, std::size_t times, Size size) {
    places live;
    while (live.size() < live_blocks) live.push_back(p.take(size()));
    for (std::size_t i = 0; i < times; ++i) {
        auto& place = live[p.below(live_blocks)];
        p.give(place);
        place = p.take(size());
    }
    p.give_all(live);
}
void frames(program& p, std::size_t times, std::size_t blocks) {
    places live;
    for (std::size_t f = 0; f < times; ++f) {
        for (std::size_t i = 0; i < blocks; ++i) live.push_back(p.take(16 + p.below(496)));
        std::reverse(live.begin(), live.end());
        p.give_all(live);
    }
}
/// First in, first out.
void queue(program& p, std::size_t length, std::size_t times) {
    places live;
    while (live.size() < length) live.push_back(p.take(64 + p.below(192)));
    for (std::size_t i = 0; i < times; ++i) {
        p.give(live[i % length]);
        live[i % length] = p.take(64 + p.below(192));
    }
    p.give_all(live);
}

program parse_serve_mix() {
    program p;
    for (int cycle = 0; cycle < 2; ++cycle) {
        documents(p, 10, 20'000);
        steady(p, 5'000, 200'000, [] { return 96; });
        steady(p, 2'000, 60'000, [&] { return p.spread(4, 15); });
    }
    return p;
}
program frames_and_queue() {
    program p;
    for (int cycle = 0; cycle < 3; ++cycle) {
        frames(p, 100, 2'000);
        queue(p, 4'000, 150'000);
    }
    return p;
}
program compiler() {
    program p;
    places symbols, tree;
    while (symbols.size() < 3'000) symbols.push_back(p.take(48));
    for (int unit = 0; unit < 12; ++unit) {
        for (int i = 0; i < 30'000; ++i) tree.push_back(p.take(16 + p.below(112)));
        for (int i = 0; i < 20'000; ++i) {
            auto& place = symbols[p.below(symbols.size())];
            p.give(place);
            place = p.take(48);
        }
        p.give_all(tree);
    }
    p.give_all(symbols);
    return p;
}
program stragglers() {
    program p;
    places kept;
    for (int cycle = 0; cycle < 4; ++cycle) {
        places live;
        for (int d = 0; d < 10; ++d) {
            for (int i = 0; i < 10'000; ++i) (i % 100 == 7 ? kept : live).push_back(p.take(16 + p.below(184)));
            p.give_all(live);
        }
        steady(p, 3'000, 80'000, [] { return 128; });
    }
    p.give_all(kept);
    return p;
}
program too_fast() {
    program p;
    places sessions;
    while (sessions.size() < 3'000) sessions.push_back(p.take(96));
    for (int turn = 0; turn < 1'200; ++turn) {
        documents(p, 1, 300);
        for (int i = 0; i < 300; ++i) {
            auto& place = sessions[p.below(sessions.size())];
            p.give(place);
            place = p.take(96);
        }
    }
    p.give_all(sessions);
    return p;
}
program only(void (*phase)(program&)) {
    program p;
    phase(p);
    return p;
}

/// Pages of the kernel; counts what is held.
class counted_pages {
public:
    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const auto granted = pages_.allocate(l);
        if (granted) held_ += granted->size;
        most_ = std::max(most_, held_);
        return granted;
    }
    void deallocate(std::byte* p, ashlar::layout l) noexcept {
        held_ -= (l.size() + 4095) & ~std::size_t{4095};
        pages_.deallocate(p, l);
    }
    std::size_t most_held() const { return most_; }

private:
    ashlar::page<> pages_;
    std::size_t held_ = 0, most_ = 0;
};

// ---- the heaps ------------------------------------------------------------------------------------------

template <template <class> class C>
class alone {
    using memory = ashlar::apportioned<1, counted_pages>;

public:
    explicit alone(counted_pages& w) : memory_(ashlar::ref<counted_pages>(w)), it_(ashlar::ref<typename memory::share>(memory_.of(0))) {}
    auto& it() { return it_; }
    std::uint32_t changes() const { return 0; }

private:
    memory memory_;
    C<typename memory::share> it_;
};
template <class U>
struct tlsf_heap : ashlar::free_list<ashlar::tlsf, U> {
    explicit tlsf_heap(ashlar::ref<U> upstream) noexcept : ashlar::free_list<ashlar::tlsf, U>(upstream, 62 * 16384) {}
};

/// What one would compose by hand for all these programs: pools for small sizes, best fit for the others.
class by_hand {
    using memory = ashlar::apportioned<2, counted_pages>;
    using small = ashlar::preset::pools<memory::share>;
    using large = ashlar::preset::general<memory::share>;

public:
    explicit by_hand(counted_pages& w) : memory_(ashlar::ref<counted_pages>(w)), small_(memory_.of(0)), large_(memory_.of(1)), it_(small_, large_) {}
    auto& it() { return it_; }
    std::uint32_t changes() const { return 0; }

private:
    memory memory_;
    small small_;
    large large_;
    ashlar::segregate<ashlar::up_to<4096, small>, large> it_;
};

class adapting {
public:
    explicit adapting(counted_pages& w) : it_(ashlar::ref<counted_pages>(w)) {}
    auto& it() { return it_; }
    std::uint32_t changes() const { return it_.changes(); }

private:
    ashlar::adaptive_default<counted_pages> it_;
};

struct outcome {
    double nanoseconds = 0;
    std::size_t held = 0;
    std::uint32_t changes = 0;
};

template <class Heap>
[[gnu::noinline]] outcome play(const program& p, bool counted) {
    static std::vector<std::pair<std::byte*, std::uint32_t>> held;
    held.assign(p.places(), {nullptr, 0});
    counted_pages memory;
    Heap heap(memory);
    auto& a = heap.it();
    if (counted) CALLGRIND_TOGGLE_COLLECT;
    const double begin = processor_nanoseconds();
    for (const step s : p.steps) {
        auto& [at, size] = held[s.place];
        if (s.size == 0) {
            a.deallocate(at, layout_of(size));
            continue;
        }
        const auto granted = a.allocate(layout_of(s.size));
        if (!granted) return {};
        at = granted->data;
        size = s.size;
        for (std::uint32_t i = 0; i < s.size; i += 64) *static_cast<volatile std::byte*>(at + i) = std::byte{1};
    }
    const double end = processor_nanoseconds();
    if (counted) CALLGRIND_TOGGLE_COLLECT;
    return {(end - begin) / static_cast<double>(p.steps.size()), memory.most_held(), heap.changes()};
}

struct candidate {
    const char* name;
    outcome (*play)(const program&, bool);
};
const candidate heaps[] = {
    {"adaptive", &play<adapting>},
    {"arena", &play<alone<ashlar::preset::bulk>>},
    {"pools", &play<alone<ashlar::preset::pools>>},
    {"best fit", &play<alone<ashlar::preset::general>>},
    {"tlsf", &play<alone<tlsf_heap>>},
    {"by hand", &play<by_hand>},
};

std::string wanted;  // a part of the names of those to measure

void measure(const char* name, program (*draw)(), int rounds) {
    if (std::string(name).find(wanted) == std::string::npos) return;
    const program p = draw();
    constexpr std::size_t n = std::size(heaps);
    std::vector<double> times[n];
    outcome last[n];
    for (int round = 0; round < (rounds == 0 ? 1 : rounds); ++round) {
        for (std::size_t i = 0; i < n; ++i) {
            last[i] = heaps[i].play(p, rounds == 0);
            times[i].push_back(last[i].nanoseconds);
            const std::string what = std::string(name) + "|" + heaps[i].name;
            if (rounds == 0) CALLGRIND_DUMP_STATS_AT(what.c_str());
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        std::printf("{\"workload\": \"%s\", \"heap\": \"%s\", \"operations\": %zu, \"changes\": %u, \"over_live\": %.3f, ", name,
                    heaps[i].name, p.steps.size(), last[i].changes,
                    static_cast<double>(last[i].held) / static_cast<double>(p.peak));
        print_rounds("ns", times[i]);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
    expect(rounds >= 0, "usage: adaptive [rounds [workload]]");
    if (argc > 2) wanted = argv[2];
    measure("parse, serve, mix", parse_serve_mix, rounds);
    measure("frames and queue", frames_and_queue, rounds);
    measure("compiler", compiler, rounds);
    measure("stragglers", stragglers, rounds);
    measure("too fast to follow", too_fast, rounds);
    measure("documents only", [] { return only([](program& p) { documents(p, 30, 20'000); }); }, rounds);
    measure("one size only", [] { return only([](program& p) { steady(p, 5'000, 500'000, [] { return 96; }); }); }, rounds);
    measure("any size only", [] { return only([](program& p) { steady(p, 2'000, 150'000, [&] { return p.spread(4, 15); }); }); }, rounds);
}
