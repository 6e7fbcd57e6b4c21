// async - what a coroutine's frame costs, and what acquiring from a pool and releasing costs, next to malloc and Asio.
//
// Usage:  async [rounds]                     one JSON object a line: frames, whole coroutines, pools
//         async count N                      N times eight frames of each source and size, each in a function of its own, for callgrind
// Frames: so many are created, a byte of each is written, and they are destroyed, the last first; as nested coroutines are.
// Pools:  nobody else wants an object: acquire and release again, by one coroutine or handler.
// Rounds are interleaved: everything runs once before anything runs again. All of it runs in a handler of Asio, without
// which its recycler keeps nothing.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/recycling_allocator.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "../toolkit/rounds.hpp"
#include "ashlar/async/asio.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;

namespace {

// ---- frames ---------------------------------------------------------------------------------------------

struct by_cache {
    static constexpr const char* name = "ashlar";
    static void* create(std::size_t size) { return framed_promise<>::operator new(size); }
    static void destroy(void* p, std::size_t size) { framed_promise<>::operator delete(p, size); }
};
struct by_malloc {
    static constexpr const char* name = "glibc";
    static void* create(std::size_t size) { return std::malloc(size); }
    static void destroy(void* p, std::size_t) { std::free(p); }
};
struct by_recycler {  // what asio::awaitable has its frames from, by its public name
    static constexpr const char* name = "asio";
    static void* create(std::size_t size) { return asio::recycling_allocator<std::byte>().allocate(size); }
    static void destroy(void* p, std::size_t size) { asio::recycling_allocator<std::byte>().deallocate(static_cast<std::byte*>(p), size); }
};

using sizes = std::index_sequence<64, 256, 1020, 1024, 2048, 4096>;
using depths = std::index_sequence<1, 2, 3, 8, 32>;
constexpr std::size_t pairs = 48'000;

/// The sizes are constants, as they are in a coroutine.
template <class Source, std::size_t Size, std::size_t Depth>
[[gnu::always_inline]] inline void nest() {
    void* held[Depth];
    for (void*& p : held) {
        p = Source::create(Size);
        *static_cast<volatile char*>(p) = 1;
    }
    for (std::size_t i = Depth; i-- > 0;) Source::destroy(held[i], Size);
}
template <class Source, std::size_t Size, std::size_t Depth>
double frames() {
    const double begin = bench::processor_nanoseconds();
    for (std::size_t n = 0; n < pairs; n += Depth) nest<Source, Size, Depth>();
    return (bench::processor_nanoseconds() - begin) / static_cast<double>(pairs);
}

// ---- whole coroutines -------------------------------------------------------------------------------------

template <class Source>
struct coroutine {
    struct promise_type {
        static void* operator new(std::size_t size) { return Source::create(size); }
        static void operator delete(void* p, std::size_t size) { Source::destroy(p, size); }
        coroutine get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {}
    };
    std::coroutine_handle<> handle;
};
template <class Source, std::size_t Bytes>
[[gnu::noinline]] coroutine<Source> with_local() {
    char local[Bytes];
    __asm__ volatile("" : : "r"(local) : "memory");
    co_await std::suspend_always();  // so that it lies in the frame
    __asm__ volatile("" : : "r"(local) : "memory");
}
template <class Source, std::size_t Bytes>
double coroutines() {
    const double begin = bench::processor_nanoseconds();
    for (std::size_t n = 0; n < pairs; ++n) {
        const auto c = with_local<Source, Bytes>();
        c.handle.resume();
        c.handle.resume();
        c.handle.destroy();
    }
    return (bench::processor_nanoseconds() - begin) / static_cast<double>(pairs);
}

// ---- pools --------------------------------------------------------------------------------------------------

constexpr std::size_t acquisitions = 20'000, many = 10'000;

/// What those write who let an executor guard their pool.
struct guarded_by_executor {
    std::vector<int*> idle;
    int object = 0;
    guarded_by_executor() { idle.push_back(&object); }
    void use() {
        int* const mine = idle.back();
        idle.pop_back();
        *static_cast<volatile int*>(mine) = 1;
        idle.push_back(mine);
    }
};
struct bed {
    asio::io_context& io;
    async_pool<int> pool{pool_options{.capacity = 1}};
    guarded_by_executor posted;
    explicit bed(asio::io_context& where) : io(where) { pool.emplace(0); }
};
void use(pool_lease<int> mine) { *static_cast<volatile int*>(&*mine) = 1; }

task<> by_await(bed& b) {
    for (std::size_t n = 0; n < acquisitions; ++n) use(co_await b.pool.acquire());
}
task<> by_adapter(bed& b) {
    for (std::size_t n = 0; n < acquisitions; ++n) use(co_await asio_adapter::async_acquire(b.io.get_executor(), b.pool, awaited));
}
task<> by_post_awaited(bed& b) {
    for (std::size_t n = 0; n < acquisitions; ++n) {
        co_await asio::post(b.io.get_executor(), awaited);
        b.posted.use();
    }
}
asio::awaitable<void> by_post_awaitable(bed& b) {
    for (std::size_t n = 0; n < acquisitions; ++n) {
        co_await asio::post(b.io.get_executor(), asio::use_awaitable);
        b.posted.use();
    }
}
struct by_post_handler {
    bed& b;
    std::size_t left = acquisitions;
    void operator()() {
        b.posted.use();
        if (--left != 0) asio::post(b.io.get_executor(), *this);
    }
};
task<> waits(bed& b, std::stop_token stop) {
    if (auto mine = co_await b.pool.acquire(std::move(stop))) use(std::move(mine));
}

void post_handler(bed& b) { asio::post(b.io.get_executor(), by_post_handler{b}); }
void post_awaited(bed& b) { start(by_post_awaited(b)); }
void post_awaitable(bed& b) { asio::co_spawn(b.io, by_post_awaitable(b), asio::detached); }

struct way {
    const char* name;
    std::size_t times;
    void (*begin)(bed&);
    bool alone = false;  // the io_context is told that no other thread ever uses it: it posts without locks then
};
constexpr way ways[] = {
    {"try_acquire", acquisitions, [](bed& b) { for (std::size_t n = 0; n < acquisitions; ++n) use(b.pool.try_acquire()); }},
    {"co_await acquire", acquisitions, [](bed& b) { start(by_await(b)); }},
    {"async_acquire of the adapter", acquisitions, [](bed& b) { start(by_adapter(b)); }},
    {"asio::post of a handler", acquisitions, post_handler},
    {"asio::post, awaited", acquisitions, post_awaited},
    {"asio::post, use_awaitable", acquisitions, post_awaitable},
    {"io_context(1), asio::post of a handler", acquisitions, post_handler, true},
    {"io_context(1), asio::post, awaited", acquisitions, post_awaited, true},
    {"io_context(1), asio::post, use_awaitable", acquisitions, post_awaitable, true},
    {"10,000 wait, each served by the one before", many, [](bed& b) {
         auto first = b.pool.try_acquire();
         for (std::size_t n = 0; n < many; ++n) start(waits(b, {}));
     }},
    {"10,000 wait and are cancelled", many, [](bed& b) {
         auto first = b.pool.try_acquire();
         std::stop_source stop;
         for (std::size_t n = 0; n < many; ++n) start(waits(b, stop.get_token()));
         stop.request_stop();
     }},
};
/// @returns nanoseconds a time
double acquire(const way& how) {
    asio::io_context io(how.alone ? 1 : ASIO_CONCURRENCY_HINT_DEFAULT);
    bed b(io);
    const double begin = bench::processor_nanoseconds();
    asio::post(io, [&] { how.begin(b); });
    io.run();
    const double took = bench::processor_nanoseconds() - begin;
    if (b.pool.status().idle != 1) std::exit(3);
    return took / static_cast<double>(how.times);
}

// ---- rounds ---------------------------------------------------------------------------------------------------

struct row {
    std::string head;  // the line of JSON before the figures
    double (*run)(std::size_t);
    std::size_t which = 0;
    std::vector<double> found{};
};
template <class Source, std::size_t Size, std::size_t... Depth>
void add_depths(std::vector<row>& rows, std::index_sequence<Depth...>) {
    const std::string head = "\"frames\": \"" + std::string(Source::name) + "\", \"size\": " + std::to_string(Size) + ", \"live\": ";
    (rows.push_back({head + std::to_string(Depth), [](std::size_t) { return frames<Source, Size, Depth>(); }}), ...);
}
template <class Source, std::size_t... Size>
void add_frames(std::vector<row>& rows, std::index_sequence<Size...>) {
    (add_depths<Source, Size>(rows, depths()), ...);
    const std::string head = "\"coroutine\": \"" + std::string(Source::name) + "\", \"local\": ";
    rows.push_back({head + "48", [](std::size_t) { return coroutines<Source, 48>(); }});
    rows.push_back({head + "900", [](std::size_t) { return coroutines<Source, 900>(); }});
    rows.push_back({head + "3900", [](std::size_t) { return coroutines<Source, 3900>(); }});
}

void compare(int rounds) {
    std::vector<row> rows;
    add_frames<by_cache>(rows, sizes());
    add_frames<by_malloc>(rows, sizes());
    add_frames<by_recycler>(rows, sizes());
    for (std::size_t i = 0; i < std::size(ways); ++i) {
        const std::string head = "\"pool\": \"" + std::string(ways[i].name) + "\"";
        rows.push_back({head, [](std::size_t which) { return acquire(ways[which]); }, i});
    }
    for (int round = 0; round < rounds; ++round) {
        for (row& r : rows) r.found.push_back(r.run(r.which));
    }
    for (const row& r : rows) {
        std::printf("{%s, ", r.head.c_str());
        bench::print_rounds("ns", r.found);
    }
}

}  // namespace

// ---- for callgrind: a function a source ---------------------------------------------------------------------

#define ASHLAR_COUNTED(source, size) \
    extern "C" [[gnu::noinline]] void count_##source##_##size() { nest<by_##source, size, 8>(); }
#define ASHLAR_COUNTED_ALL(source) ASHLAR_COUNTED(source, 64) ASHLAR_COUNTED(source, 1024) ASHLAR_COUNTED(source, 4096)
ASHLAR_COUNTED_ALL(cache)
ASHLAR_COUNTED_ALL(malloc)
ASHLAR_COUNTED_ALL(recycler)

static async_pool<int>* counted_pool;
extern "C" [[gnu::noinline]] void count_pool() { use(counted_pool->try_acquire()); }

static int count(std::size_t times) {
    async_pool<int> pool({.capacity = 1});
    pool.emplace(0);
    counted_pool = &pool;
    for (std::size_t n = 0; n < times; ++n) {
        count_pool();
        count_cache_64(), count_cache_1024(), count_cache_4096();
        count_malloc_64(), count_malloc_1024(), count_malloc_4096();
        count_recycler_64(), count_recycler_1024(), count_recycler_4096();
    }
    return 0;
}

int main(int arguments, char** words) {
    std::promise<void> over;
    std::thread other([&] { over.get_future().wait(); });  // so that nothing is done as in a program of one thread
    asio::io_context io(1);
    int status = 0;
    asio::post(io, [&] {
        if (arguments == 3 && std::string(words[1]) == "count") status = count(std::strtoull(words[2], nullptr, 10));
        else compare(arguments == 2 ? std::atoi(words[1]) : 25);
    });
    io.run();
    over.set_value();
    other.join();
    return status;
}
