// adaptors - one allocate and one deallocate of every adaptor, for callgrind to count.
//
// Usage: adaptors COUNT, under callgrind with --collect-atstart=no: one dump for each line of main, of COUNT operations.
// Every adaptor stands on the same pool of 128-byte blocks in a buffer, and is asked for 40 bytes by a function that is not
// inlined into the loop. A block stays live throughout; as many rounds again have warmed everything up.
#include <atomic>
#include <cstdlib>
#include <string>

#include "ashlar/compose/affix.hpp"
#include "ashlar/compose/any_ref.hpp"
#include "ashlar/compose/bucketize.hpp"
#include "ashlar/compose/cached.hpp"
#include "ashlar/compose/call_sites.hpp"
#include "ashlar/compose/choice.hpp"
#include "ashlar/compose/failing.hpp"
#include "ashlar/compose/fallback.hpp"
#include "ashlar/compose/guarded.hpp"
#include "ashlar/compose/limited.hpp"
#include "ashlar/compose/locked.hpp"
#include "ashlar/compose/segregate.hpp"
#include "ashlar/compose/thread_cached.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/compose/validated.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/pool.hpp"
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define TOGGLE CALLGRIND_TOGGLE_COLLECT
#define FROM_HERE_ON CALLGRIND_ZERO_STATS
#define COUNTED(name) CALLGRIND_DUMP_STATS_AT(name)
#else  // without the header nothing can be counted
#define TOGGLE std::exit(77)
#define FROM_HERE_ON
#define COUNTED(name) static_cast<void>(name)
#endif

using namespace ashlar;

namespace {

long count;

template <class A>
[[gnu::noinline]] std::byte* take(A& a, layout l) {
    return a.allocate(l)->data;
}
template <class A>
[[gnu::noinline]] void give(A& a, std::byte* p, layout l) {
    a.deallocate(p, l);
}

template <class A>
void measure(const char* name, A& a, std::size_t size = 40) {
    asm volatile("" : "+r"(size));  // the layout is not known to the compiler
    const layout l = *layout::make(size, 16);
    std::byte* const stays = take(a, l);
    for (const bool giving : {false, true}) {
        for (long i = -count; i < count; ++i) {
            if (i == 0) FROM_HERE_ON;
            if (!giving) TOGGLE;
            std::byte* const p = take(a, l);
            TOGGLE;
            give(a, p, l);
            if (giving) TOGGLE;
        }
        const std::string what = std::string(name) + (giving ? "|deallocate" : "|allocate");
        COUNTED(what.c_str());
    }
    give(a, stays, l);
}

alignas(64) std::byte room[1 << 20];
using below = pool<128, 16, bump>;

/// The pool that every adaptor stands on, fresh.
struct base {
    bump buffer{{room, sizeof room}};
    below heap{buffer};
};
template <class Adaptor, class... Options>
void on_pool(const char* name, Options&&... options) {
    base b;
    Adaptor a(b.heap, options...);
    measure(name, a);
}

struct nothing {
    result<block> allocate(layout) noexcept { return block{room, 128}; }
    void deallocate(std::byte*, layout) noexcept {}
};
struct spin_lock {
    std::atomic_flag taken;
    void lock() noexcept {
        while (taken.test_and_set(std::memory_order_acquire)) {}
    }
    void unlock() noexcept { taken.clear(std::memory_order_release); }
};
struct by_size {
    std::size_t operator()(layout l) const noexcept { return l.size() > 64 ? 1 : 0; }
};
using few_sites = call_sites<8, live_bytes>;

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    count = std::atol(argv[1]);
    nothing none;
    measure("(nothing)", none);
    {
        base b;
        measure("(pool, alone)", b.heap);
    }
    on_pool<tracked<below>>("tracked, without counters");
    on_pool<tracked<below, live_bytes, live_blocks>>("tracked: live_bytes, live_blocks");
    on_pool<tracked<below, block_records<order_clock>>>("tracked: block_records");
    on_pool<tracked<below, few_sites>>("tracked: call_sites of live_bytes");
    on_pool<limited<below>>("limited", limits{.bytes = 1 << 20, .blocks = 1000});
    failure_plan plan;
    on_pool<failing<below>>("failing, disarmed", plan);
    on_pool<validated<below>>("validated");
    on_pool<locked<below, null_mutex>>("locked, null_mutex");
    on_pool<locked<below, spin_lock>>("locked, a spin lock");
    on_pool<affix<no_affix, std::uint64_t, below>>("affix, a word behind");
    on_pool<cached<below>>("cached");
    on_pool<guarded<below>>("guarded");
    {
        base b;
        any_ref a(b.heap);
        measure("any_ref", a);
    }
    alignas(64) static std::byte more[4096];
    bump other({more, sizeof more});
    on_pool<fallback<below, bump>>("fallback, the first", other);
    {
        base b;
        using all_sizes = segregate<up_to<128, below>, bump>;  // for its record is no block of the pool
        all_sizes both(b.heap, other);
        locked<all_sizes, spin_lock> shared(both);
        thread_cached<locked<all_sizes, spin_lock>> a(shared);
        measure("thread_cached", a);
    }
    on_pool<segregate<up_to<64, below>, bump>>("segregate, the first of two", other);
    {
        base b;
        choice<by_size, below, bump> a(by_size{}, b.heap, other);
        measure("choice, the first of two", a);
    }
    {
        base b;
        using step = locked<below, null_mutex>;
        bucketize<1, 64, 16, step> a([&](std::size_t) { return step(b.heap); });
        measure("bucketize, four steps", a);
    }
    return 0;
}
