// bench/gc/collected_pauses.cpp - how long the steps of a collection take, and what compaction costs beside a memmove.
//
// collected_pauses MIB: the live bytes of the steps; compaction is measured at an eighth of that. Prints lines of JSON.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ashlar/gc/array.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

namespace {

namespace gc = ashlar::gc;

template <std::size_t Bytes>
struct node {
    gc::member<node> one, other;
    char rest[Bytes - 16];
    static constexpr bool gc_relocatable = true;
    static constexpr auto gc_members = gc::members(&node::one, &node::other);
};

double cpu_us() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

std::size_t random_below(std::size_t n) {
    static std::uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::size_t>(state % n);
}

/// A random graph of `live` bytes: an object refers to its predecessor and to another one; between them `garbage` that nothing reaches.
template <class T>
gc::root<gc::array<gc::member<T>>> graph(gc::heap& h, std::size_t live, std::size_t garbage) {
    const std::size_t n = live / (gc::detail::granules_for(sizeof(T)) * gc::detail::granule + sizeof(void*));
    auto all = h.make_array<gc::member<T>>(n);
    for (std::size_t i = 0; i != n; ++i) {
        auto made = h.make<T>();
        if (i != 0) made->one = (*all)[i - 1], made->other = (*all)[random_below(i)];
        (*all)[i] = made;
        for (std::size_t k = random_below(2 * garbage + 1); k != 0; --k) h.make<T>();
    }
    return all;
}

void steps(std::size_t live, double budget_us) {
    using item = node<56>;
    gc::heap h({.automatic = false});
    const auto all = graph<item>(h, live, 0);
    std::vector<double> took;
    for (int cycle = 0; cycle != 3; ++cycle) {
        for (bool done = false; !done;) {
            const double begin = cpu_us();
            done = h.step(std::chrono::nanoseconds(static_cast<long>(budget_us * 1000)));
            took.push_back(cpu_us() - begin);
            for (int i = 0; i != 100; ++i) {  // the program goes on: it makes objects, and moves references about
                auto made = h.make<item>();
                const std::size_t k = random_below(all->size());
                made->one = (*all)[random_below(all->size())];
                (*all)[k]->other = made;
            }
        }
    }
    std::sort(took.begin(), took.end());
    const auto at = [&](double q) { return took[static_cast<std::size_t>(q * static_cast<double>(took.size() - 1))]; };
    std::printf("{\"what\": \"steps\", \"live\": %zu, \"budget_us\": %.0f, \"steps\": %zu, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
                "\"p999\": %.1f, \"max\": %.1f, \"collections\": %zu}\n",
                h.stats().live, budget_us, took.size(), at(0.5), at(0.9), at(0.99), at(0.999), took.back(), h.stats().collections);
}

long resident_kib() {
    char line[256];
    long kib = 0;
    std::FILE* const f = std::fopen("/proc/self/status", "r");
    if (f == nullptr) return 0;
    while (std::fgets(line, sizeof line, f) != nullptr) {
        if (std::strncmp(line, "VmRSS:", 6) == 0) kib = std::strtol(line + 6, nullptr, 10);
    }
    std::fclose(f);
    return kib;
}

template <std::size_t Bytes>
void compaction(std::size_t live) {
    const long empty = resident_kib();
    gc::heap h({.automatic = false});
    const auto all = graph<node<Bytes>>(h, live, 1);
    double begin = cpu_us();
    h.collect();
    const double collect = cpu_us() - begin;
    const std::size_t before = h.stats().footprint;
    begin = cpu_us();
    h.compact();
    const double full = cpu_us() - begin;
    const std::size_t bytes = h.stats().live;
    const long resident = resident_kib() - empty;
    char* const room = static_cast<char*>(std::malloc(bytes + (1 << 20)));
    if (room == nullptr) return;
    std::memset(room, 1, bytes + (1 << 20));
    double move = 1e12;
    for (int i = 0; i != 5; ++i) {
        begin = cpu_us();
        std::memmove(room, room + (1 << 20), bytes);
        move = std::min(move, cpu_us() - begin);
    }
    std::free(room);
    std::printf("{\"what\": \"compaction\", \"object\": %zu, \"live\": %zu, \"before\": %zu, \"after\": %zu, \"resident\": %ld, \"collect_us\": %.0f, "
                "\"compact_us\": %.0f, \"memmove_us\": %.0f}\n",
                Bytes, bytes, before, h.stats().footprint, resident * 1024, collect, full, move);
}

/// Of every other MiB of objects a tenth lives on: all are slid together, or only what lies in sparse tiles is moved.
void sparse(std::size_t live, bool all_of_them) {
    using item = node<56>;
    const long empty = resident_kib();
    gc::heap h({.automatic = false});
    const std::size_t n = live / 64;
    const auto all = h.make_array<gc::member<item>>(n);
    for (std::size_t i = 0; i != n; ++i) (*all)[i] = h.make<item>();
    for (std::size_t i = 0; i != n; ++i) if (i / 16384 % 2 == 1 && i % 10 != 0) (*all)[i] = nullptr;
    double begin = cpu_us();
    h.collect();
    const double collect = cpu_us() - begin;
    const long before = resident_kib() - empty;
    begin = cpu_us();
    const bool moved = all_of_them ? h.compact() : h.evacuate();
    std::printf("{\"what\": \"%s\", \"live\": %zu, \"moved\": %d, \"collect_us\": %.0f, \"us\": %.0f, \"resident_before\": %ld, "
                "\"resident_after\": %ld}\n", all_of_them ? "compact" : "evacuate", h.stats().live, moved, collect, cpu_us() - begin,
                before * 1024, (resident_kib() - empty) * 1024);
}

gc::root<gc::array<gc::member<node<56>>>> list(gc::heap& h, std::size_t live) {
    auto all = h.make_array<gc::member<node<56>>>(1);
    for (std::size_t n = live / 64; n != 0; --n) {
        auto made = h.make<node<56>>();
        made->one = (*all)[0];
        (*all)[0] = made;
    }
    return all;
}

/// Wall time of collections by one thread and by two, in turns.
template <class F>
void marking(const char* what, std::size_t live, F make) {
    gc::heap one({.automatic = false}), two({.automatic = false, .marking_threads = 2});
    const auto a = make(one, live);
    const auto b = make(two, live);
    std::vector<double> took[2];
    for (int i = 0; i != 7; ++i) {
        for (gc::heap* h : {&one, &two}) {
            const auto begin = std::chrono::steady_clock::now();
            h->collect();
            took[h == &two].push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
        }
    }
    for (auto& t : took) std::sort(t.begin(), t.end());
    std::printf("{\"what\": \"marking\", \"shape\": \"%s\", \"live\": %zu, \"one_us\": %.0f, \"two_us\": %.0f, \"one_least_us\": %.0f, "
                "\"two_least_us\": %.0f}\n", what, one.stats().live, took[0][3], took[1][3], took[0][0], took[1][0]);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t live = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1024) << 20;
    steps(live, 1000);
    compaction<24>(live / 8);
    compaction<56>(live / 8);
    compaction<248>(live / 8);
    compaction<1016>(live / 8);
    compaction<8184>(live / 8);
    sparse(live / 4, true);
    sparse(live / 4, false);
    const auto network = [](gc::heap& h, std::size_t bytes) { return graph<node<56>>(h, bytes, 0); };
    marking("random graph", live / 4, network);
    marking("random graph", live / 64, network);
    marking("random graph", live / 1024, network);
    marking("list", live / 16, list);
}
