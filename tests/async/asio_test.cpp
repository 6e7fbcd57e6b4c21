// The adapter with standalone Asio.
#if defined(__clang__)  // which Asio 1.22 does not know to have them
#define ASIO_HAS_CO_AWAIT 1
#define ASIO_HAS_STD_COROUTINE 1
#endif
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <memory_resource>

#include "ashlar/async/asio.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;
using namespace std::chrono_literals;
using asio_adapter::async_acquire;

namespace {

struct counting_resource : std::pmr::memory_resource {
    void* do_allocate(std::size_t size, std::size_t align) override {
        ++granted, ++live;
        return std::pmr::new_delete_resource()->allocate(size, align);
    }
    void do_deallocate(void* p, std::size_t size, std::size_t align) override {
        --live;
        std::pmr::new_delete_resource()->deallocate(p, size, align);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    int granted = 0, live = 0;
};
/// A handler with memory and a cancellation slot of its own.
struct noting {
    using allocator_type = std::pmr::polymorphic_allocator<std::byte>;
    using cancellation_slot_type = asio::cancellation_slot;
    allocator_type get_allocator() const noexcept { return memory; }
    cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
    void operator()(pool_lease<int> got) const { *to = std::move(got); }
    pool_lease<int>* to;
    std::pmr::memory_resource* memory;
    asio::cancellation_slot slot{};
};

task<> second_user(asio::io_context& io, async_pool<int>& pool, int& served) {
    auto mine = co_await async_acquire(io.get_executor(), pool, awaited);
    served += *mine;
}
/// Holds the object while the second waits; then waits for what does not come.
task<> first_user(asio::io_context& io, async_pool<int>& pool, int& served, pool_outcome& last) {
    {
        auto mine = co_await async_acquire(io.get_executor(), pool, awaited);
        served += *mine;
        start(second_user(io, pool, served));
        asio::steady_timer soon(io, 1ms);
        const auto error = co_await soon.async_wait(awaited);
        served += error ? 100 : 0;
    }
    auto held = co_await async_acquire(io.get_executor(), pool, awaited);
    auto late = co_await async_acquire(io.get_executor(), pool, pool_clock::now() + 1ms, awaited);
    last = late.outcome();
}
asio::awaitable<void> asios_own(async_pool<int>& pool, int& served) {
    auto mine = co_await async_acquire(co_await asio::this_coro::executor, pool, asio::use_awaitable);
    served += *mine;
}

}  // namespace

TEST_CASE("asio: tasks wait for the pool, for timers and for both", "[async][asio]") {
    asio::io_context io(1);
    async_pool<int> pool({.capacity = 1});
    pool.emplace(21);
    int served = 0;
    pool_outcome last = pool_outcome::waiting;
    start(first_user(io, pool, served, last));
    io.run();
    CHECK(served == 42);
    CHECK(last == pool_outcome::timed_out);
    CHECK(pool.status().idle == 1);
    CHECK(pool.status().waiting == 0);
}

TEST_CASE("asio: a handler's own memory serves its wait, its slot cancels it, and a granted wait's timer holds nothing up",
          "[async][asio]") {
    counting_resource memory;
    {
        asio::io_context io(1);
        async_pool<int> pool({.capacity = 1});
        pool.emplace(7);
        pool_lease<int> leases[3];
        asio::cancellation_signal stop;
        async_acquire(io.get_executor(), pool, noting{&leases[0], &memory});
        async_acquire(io.get_executor(), pool, noting{&leases[1], &memory, stop.slot()});
        async_acquire(io.get_executor(), pool, pool_clock::now() + 1h, noting{&leases[2], &memory});
        io.poll();
        CHECK(leases[0].outcome() == pool_outcome::granted);
        stop.emit(asio::cancellation_type::terminal);
        io.poll();
        CHECK(leases[1].outcome() == pool_outcome::cancelled);
        leases[0].reset();
        io.run();
        CHECK(*leases[2] == 7);
    }
    CHECK(memory.granted >= 3);
    CHECK(memory.live == 0);
}

TEST_CASE("asio: Asio's own coroutines wait for the pool", "[async][asio]") {
    asio::io_context io(1);
    async_pool<int> pool({.capacity = 1});
    pool.emplace(4);
    int served = 0;
    for (int i = 0; i < 3; ++i) asio::co_spawn(io, asios_own(pool, served), asio::detached);
    io.run();
    CHECK(served == 12);
}

TEST_CASE("asio: a handler whose memory is used up waits for nothing, and the pool has lost nothing", "[async][asio]") {
    asio::io_context io(1);
    async_pool<int> pool({.capacity = 1});
    pool.emplace(7);
    auto held = pool.try_acquire();
    pool_lease<int> got;
    CHECK_THROWS_AS(async_acquire(io.get_executor(), pool, noting{&got, std::pmr::null_memory_resource()}), std::bad_alloc);
    CHECK(pool.status().waiting == 0);
    held.reset();
    CHECK(pool.status().idle == 1);
}
