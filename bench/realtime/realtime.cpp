// realtime - how long operations take at worst, and what a fixed pool costs several threads.
//
// Usage:  realtime [rounds]          one JSON object a line: the replay of every heap, then the pools
//         realtime count HEAP N      N operations of a heap, each in a function of its own, for callgrind
// Replay: the same operations in every round, each timed by the processor's counter; of an operation the least of all
//         rounds counts. What disturbs a run only adds to it, so what is left is the heap and the caches.
// Rounds are interleaved: every heap and pool runs once before any runs again.
// Long:   the heaps and the pools share the rounds, and so the moments in which the machine is disturbed.
#if ASHLAR_PEER_LOCKFREE
#include <boost/lockfree/stack.hpp>
// The pool of nodes within it; its name is not a word of this house.
#define ASHLAR_BOOST_NODES(a, b) boost::lockfree::detail::a##b
#endif

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../toolkit/rounds.hpp"
#include "ashlar/os/platform.hpp"
#include "ashlar/realtime/magazine.hpp"
#include "ashlar/realtime/rt_heap.hpp"
#include "ashlar/realtime/rt_region.hpp"
#include "ashlar/realtime/shared_bitmap_pool.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/half_fit.hpp"
#include "ashlar/strategy/pool.hpp"
#include "ashlar/strategy/tlsf.hpp"

using namespace ashlar;

namespace {

constexpr std::size_t operations = 100'000, slots = 4096, room = std::size_t{64} << 20;

/// Three of four blocks up to 256 bytes, the others up to 16 KiB; freed in random order.
struct script {
    struct step {
        std::uint32_t slot;
        std::uint32_t size;  // 0: free
    };
    std::vector<step> steps;
    script() {
        std::vector<bool> live(slots);
        std::uint64_t s = 12345;
        const auto dice = [&] { return static_cast<std::uint32_t>((s = s * 6364136223846793005u + 1442695040888963407u) >> 33); };
        for (std::size_t i = 0; i < operations; ++i) {
            const std::uint32_t slot = dice() % slots, size = dice() % 4 != 0 ? 1 + dice() % 256 : 1 + dice() % 16384;
            steps.push_back({slot, live[slot] ? 0 : size});
            live[slot] = !live[slot];
        }
    }
};

inline std::uint64_t ticks() {
    unsigned processor;
    return __builtin_ia32_rdtscp(&processor);
}

struct least_times {
    std::vector<std::uint32_t> of = std::vector<std::uint32_t>(operations, ~0u);
};

template <class Allocate, class Deallocate>
void replay(const script& work, least_times& found, Allocate allocate, Deallocate deallocate) {
    static struct {
        void* p;
        std::size_t size;
    } held[slots];
    for (std::size_t i = 0; i < operations; ++i) {
        auto& h = held[work.steps[i].slot];
        std::uint64_t begin, end;
        if (work.steps[i].size != 0) {
            h.size = work.steps[i].size;
            begin = ticks();
            h.p = allocate(h.size);
            end = ticks();
            if (h.p == nullptr) std::exit(3);
            *static_cast<volatile char*>(h.p) = 1;
        } else {
            begin = ticks();
            deallocate(h.p, h.size);
            end = ticks();
            h.p = nullptr;
        }
        found.of[i] = std::min(found.of[i], static_cast<std::uint32_t>(std::min<std::uint64_t>(end - begin, ~0u)));
    }
    for (auto& h : held) {
        if (h.p != nullptr) deallocate(h.p, h.size);
        h.p = nullptr;
    }
}

template <class Heap>
void replay_heap(block memory, const script& work, least_times& found) {
    Heap heap(memory);
    replay(work, found, [&](std::size_t n) -> void* {
        const auto granted = heap.allocate(*layout::make(n, 16));
        return granted ? granted->data : nullptr;
    }, [&](void* p, std::size_t n) { heap.deallocate(static_cast<std::byte*>(p), *layout::make(n, 16)); });
}

void print_times(const char* heap, const script& work, const least_times& found, std::uint32_t floor) {
    for (const bool allocates : {true, false}) {
        std::vector<std::uint32_t> t;
        double sum = 0;
        for (std::size_t i = 0; i < operations; ++i) {
            if ((work.steps[i].size != 0) != allocates) continue;
            t.push_back(found.of[i] > floor ? found.of[i] - floor : 0);
            sum += t.back();
        }
        std::sort(t.begin(), t.end());
        const auto at = [&](double share) { return t[static_cast<std::size_t>(share * static_cast<double>(t.size() - 1))]; };
        std::printf("{\"replay\": \"%s\", \"operation\": \"%s\", \"mean\": %.1f, \"p50\": %u, \"p99\": %u, \"p99.9\": %u, "
                    "\"p99.99\": %u, \"max\": %u, \"curve\": [",
                    heap, allocates ? "allocate" : "free", sum / static_cast<double>(t.size()), at(.5), at(.99), at(.999), at(.9999), t.back());
        bool first = true;
        for (const double share : {0.0, .25, .5, .75, .9, .95, .99, .995, .999, .9995, .9999, 1.0}) {
            std::printf("%s%u", first ? "" : ", ", at(share));
            first = false;
        }
        std::puts("]}");
    }
}

// ---- pools ----------------------------------------------------------------------------------------------

constexpr std::size_t pairs = 400'000, burst = 16, pool_blocks = 4096;
const layout of_64 = *layout::make(64, 16);

#if ASHLAR_PEER_LOCKFREE
struct boost_lockfree {
    struct alignas(16) node {
        std::byte bytes[64];
    };
    ASHLAR_BOOST_NODES(free, list_stack)<node> list{std::allocator<node>(), pool_blocks};
    void* get() { return list.construct<true, true>(); }
    void put(void* p) { list.destruct<true>(static_cast<node*>(p)); }
};
#endif
template <class Pool>
struct shared_pool {
    std::vector<std::byte> memory = std::vector<std::byte>(Pool::memory_bytes(pool_blocks));
    Pool pool{block{memory.data(), memory.size()}};
    void* get() {
        const auto granted = pool.allocate(of_64);
        return granted ? granted->data : nullptr;
    }
    void put(void* p) { pool.deallocate(static_cast<std::byte*>(p), of_64); }
};
struct locked_pool {
    std::vector<std::byte> memory = std::vector<std::byte>(pool_blocks * 80);
    bump front{block{memory.data(), memory.size()}};
    pool<64, 16, bump> below{front, {.first = pool_blocks * 72, .largest = pool_blocks * 72}};
    std::mutex mutex;
    void* get() {
        const std::lock_guard hold(mutex);
        const auto granted = below.allocate(of_64);
        return granted ? granted->data : nullptr;
    }
    void put(void* p) {
        const std::lock_guard hold(mutex);
        below.deallocate(static_cast<std::byte*>(p), of_64);
    }
};
struct local_pool : locked_pool {
    void* get() {
        const auto granted = below.allocate(of_64);
        return granted ? granted->data : nullptr;
    }
    void put(void* p) { below.deallocate(static_cast<std::byte*>(p), of_64); }
};
using indices = shared_index_pool<64, 16>;
struct through_magazine {
    magazine<indices> mine;
    explicit through_magazine(shared_pool<indices>& s) : mine(s.pool) {}
    void* get() {
        const auto granted = mine.allocate(of_64);
        return granted ? granted->data : nullptr;
    }
    void put(void* p) { mine.deallocate(static_cast<std::byte*>(p), of_64); }
};

/// Sixteen taken, sixteen given back. @returns nanoseconds of this thread a pair
template <class Handle>
double use(Handle& handle) {
    void* held[burst];
    const double begin = bench::processor_nanoseconds();
    for (std::size_t n = 0; n < pairs; n += burst) {
        for (void*& p : held) {
            p = handle.get();
            if (p == nullptr) std::exit(4);
            *static_cast<volatile char*>(p) = 1;
        }
        for (void* p : held) handle.put(p);
    }
    return (bench::processor_nanoseconds() - begin) / static_cast<double>(pairs);
}
/// So many threads at once. @returns the mean of their nanoseconds a pair
template <class Shared, class Handle = Shared&>
double measure(unsigned threads) {
    Shared shared;
    std::vector<double> found(threads);
    std::vector<std::thread> others;
    std::atomic<unsigned> waiting{threads};
    for (unsigned t = 0; t < threads; ++t) {
        others.emplace_back([&, t] {
            Handle handle(shared);
            --waiting;
            while (waiting != 0) std::this_thread::yield();  // all begin at once
            found[t] = use(handle);
        });
    }
    double sum = 0;
    for (unsigned t = 0; t < threads; ++t) others[t].join(), sum += found[t];
    return sum / threads;
}

struct pool_of {
    const char* name;
    double (*run)(unsigned threads);
    unsigned most_threads = 2;
};
constexpr pool_of pools[] = {
    {"thread-local pool", &measure<local_pool>, 1},
    {"magazine", &measure<shared_pool<indices>, through_magazine>},
    {"index pool", &measure<shared_pool<indices>>},
    {"bitmap pool", &measure<shared_pool<shared_bitmap_pool<64, 16>>>},
    {"mutex", &measure<locked_pool>},
#if ASHLAR_PEER_LOCKFREE
    {"boost::lockfree", &measure<boost_lockfree>},
#endif
};

int compare(int rounds) {
    const script work;
    rt_region region(room, {.huge_pages = true});
    if (!region.ready()) return std::fprintf(stderr, "realtime: %.*s\n", static_cast<int>(region.report().size()), region.report().data()), 1;
    least_times by_tlsf, by_half_fit, by_malloc, nothing;
    std::vector<std::vector<double>> times(2 * std::size(pools));
    for (int round = 0; round < rounds; ++round) {
        replay_heap<rt_heap<tlsf>>(region.memory(), work, by_tlsf);
        replay_heap<rt_heap<half_fit>>(region.memory(), work, by_half_fit);
        replay(work, by_malloc, [](std::size_t n) { return std::malloc(n); }, [](void* p, std::size_t) { std::free(p); });
        replay(work, nothing, [&](std::size_t) -> void* { return region.memory().data; }, [](void*, std::size_t) {});
        for (std::size_t i = 0; i < std::size(pools); ++i) {
            for (unsigned threads = 1; threads <= pools[i].most_threads; ++threads) times[2 * i + threads - 1].push_back(pools[i].run(threads));
        }
    }
    const std::uint32_t floor = *std::min_element(nothing.of.begin(), nothing.of.end());
    print_times("tlsf", work, by_tlsf, floor);
    print_times("half_fit", work, by_half_fit, floor);
    print_times("glibc", work, by_malloc, floor);
    for (std::size_t i = 0; i < std::size(pools); ++i) {
        for (unsigned threads = 1; threads <= pools[i].most_threads; ++threads) {
            std::printf("{\"pool\": \"%s\", \"threads\": %u, ", pools[i].name, threads);
            bench::print_rounds("ns", times[2 * i + threads - 1]);
        }
    }
    return 0;
}

}  // namespace

// ---- for callgrind: a function a heap and operation ----------------------------------------------------------

template <class Heap>
static Heap* counted;
#define ASHLAR_COUNTED(name, heap)                                                                     \
    extern "C" [[gnu::noinline]] void* name##_allocate(layout l) {                                     \
        const auto granted = counted<heap>->allocate(l);                                               \
        return granted ? granted->data : nullptr;                                                      \
    }                                                                                                  \
    extern "C" [[gnu::noinline]] void name##_free(std::byte* p, layout l) { counted<heap>->deallocate(p, l); }
ASHLAR_COUNTED(tlsf, rt_heap<ashlar::tlsf>)
ASHLAR_COUNTED(half_fit, rt_heap<ashlar::half_fit>)

template <class Heap, class Allocate, class Deallocate>
static int count(std::size_t wanted, Allocate allocate, Deallocate deallocate) {
    const script work;
    std::vector<std::byte> memory(room);
    Heap heap({memory.data(), memory.size()});
    counted<Heap> = &heap;
    std::vector<std::byte*> held(slots);
    std::vector<std::size_t> sizes(slots);
    for (std::size_t i = 0; i < operations; ++i) {
        const auto [slot, size] = work.steps[i];
        const bool counts = i + wanted >= operations;  // the last ones: the heap is full of holes by then
        if (size != 0) {
            const auto l = *layout::make(sizes[slot] = size, 16);
            held[slot] = counts ? static_cast<std::byte*>(allocate(l)) : heap.allocate(l)->data;
        } else {
            const auto l = *layout::make(sizes[slot], 16);
            if (counts) deallocate(held[slot], l);
            else heap.deallocate(held[slot], l);
        }
    }
    return 0;
}

int main(int arguments, char** words) {
    if (arguments == 4 && std::string(words[1]) == "count") {
        const std::size_t wanted = std::strtoull(words[3], nullptr, 10);
        if (std::string(words[2]) == "tlsf") return count<rt_heap<tlsf>>(wanted, &tlsf_allocate, &tlsf_free);
        return count<rt_heap<half_fit>>(wanted, &half_fit_allocate, &half_fit_free);
    }
    return compare(arguments == 2 ? std::atoi(words[1]) : 25);
}
