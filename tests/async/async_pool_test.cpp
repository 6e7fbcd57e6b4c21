// A pool as its user sees it: first come first served, cancellation, deadlines, back-pressure, closing.
#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/async/async_pool.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;
using namespace std::chrono_literals;

namespace {

/// Acquires, notes what became of it, and keeps what it got.
struct user {
    pool_outcome outcome = pool_outcome::waiting;
    pool_lease<int> lease;
};
template <class Wish>
task<> wishes(user& u, Wish wish) {
    u.lease = co_await wish();
    u.outcome = u.lease.outcome();
}
void wants(async_pool<int>& pool, user& u) {
    start(wishes(u, [&pool] { return pool.acquire(); }));
}

}  // namespace

TEST_CASE("async_pool: an idle object is granted at once, then they are handed on in the order of coming", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 2});
    REQUIRE(pool.emplace(10));
    REQUIRE(pool.emplace(20));
    user users[5];
    for (user& u : users) wants(pool, u);
    CHECK(users[0].lease);
    CHECK(users[1].lease);
    CHECK(pool.status().waiting == 3);
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(users[i + 2].lease);
        const int object = *users[i].lease;
        users[i].lease.reset();
        REQUIRE(users[i + 2].lease);
        CHECK(*users[i + 2].lease == object);
    }
    users[3].lease.reset();
    users[4].lease.reset();
    const pool_status now = pool.status();
    CHECK(now.idle == 2);
    CHECK(now.acquired == 5);
    CHECK(now.handed_over == 3);
}

TEST_CASE("async_pool: whoever comes when as many wait as may is rejected, and nobody else notices", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 1, .max_waiters = 1});
    user first, second, third;
    wants(pool, first);  // there is no object at all yet
    wants(pool, second);
    CHECK(second.outcome == pool_outcome::rejected);
    CHECK(pool.emplace(1));
    CHECK(first.outcome == pool_outcome::granted);
    wants(pool, third);
    first.lease.reset();
    CHECK(third.outcome == pool_outcome::granted);
    async_pool<int> none({.capacity = 1, .max_waiters = 0});
    wants(none, second);
    CHECK(second.outcome == pool_outcome::rejected);
    CHECK(none.emplace(1));
    CHECK(none.try_acquire());
}

TEST_CASE("async_pool: a stop before, while waiting and after the grant", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 1});
    pool.emplace(5);
    std::stop_source stop;
    const auto wish = [&] { return pool.acquire(stop.get_token()); };
    user granted, waiting, late;
    start(wishes(granted, wish));
    start(wishes(waiting, wish));
    CHECK(granted.outcome == pool_outcome::granted);
    stop.request_stop();
    CHECK(waiting.outcome == pool_outcome::cancelled);
    CHECK(*granted.lease == 5);  // what was granted stays
    granted.lease.reset();
    start(wishes(late, wish));
    CHECK(late.outcome == pool_outcome::cancelled);
    CHECK(pool.status().idle == 1);
    CHECK(pool.status().cancelled == 2);
}

TEST_CASE("async_pool: deadlines end the waiting of those whose time it is", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 1});
    pool.emplace(5);
    const auto now = pool_clock::now();
    auto held = pool.try_acquire();
    user soon, later, past;
    start(wishes(later, [&] { return pool.acquire_until(now + 2h); }));
    start(wishes(soon, [&] { return pool.acquire_until(now + 1h, std::stop_token()); }));
    start(wishes(past, [&] { return pool.acquire_until(now - 1h); }));
    CHECK(past.outcome == pool_outcome::timed_out);
    CHECK(pool.expire(now) == now + 1h);
    CHECK(pool.expire(now + 1h) == now + 2h);
    CHECK(soon.outcome == pool_outcome::timed_out);
    CHECK(later.outcome == pool_outcome::waiting);
    held.reset();
    CHECK(later.outcome == pool_outcome::granted);
    CHECK(pool.expire(now + 3h) == no_deadline);
    CHECK(later.lease);
    later.lease.reset();
    start(wishes(past, [&] { return pool.acquire_until(now - 1h); }));
    CHECK(past.outcome == pool_outcome::granted);  // a deadline is for waiting
}

TEST_CASE("async_pool: closing turns waiters away, waits for leases and ends every object", "[async][async_pool]") {
    struct noted {
        int* ended;
        ~noted() { ++*ended; }
    };
    int ended = 0, closed = 0;
    async_pool<noted> pool({.capacity = 3});
    for (int i = 0; i < 3; ++i) pool.emplace(&ended);
    ended = 0;
    const auto close = [](async_pool<noted>& p, int& count) -> task<> {
        co_await p.close();
        ++count;
    };
    pool_outcome outcome = pool_outcome::waiting;
    const auto wait = [](async_pool<noted>& p, pool_outcome& o) -> task<> { o = (co_await p.acquire()).outcome(); };
    auto a = pool.try_acquire(), b = pool.try_acquire();
    auto c = pool.try_acquire();
    start(wait(pool, outcome));
    c.reset();
    CHECK(outcome == pool_outcome::granted);  // and given back
    start(close(pool, closed));
    start(close(pool, closed));
    CHECK(ended == 1);
    start(wait(pool, outcome));
    CHECK(outcome == pool_outcome::closed);
    CHECK_FALSE(pool.emplace(&ended));
    a.reset();
    CHECK(closed == 0);
    b.reset();
    CHECK(closed == 2);
    CHECK(ended == 3);
    start(close(pool, closed));
    CHECK(closed == 3);
}

TEST_CASE("async_pool: a lease outlives its pool, and who waits when it ends goes on without", "[async][async_pool]") {
    user holder, waiter;
    {
        async_pool<int> pool({.capacity = 1});
        pool.emplace(9);
        wants(pool, holder);
        wants(pool, waiter);
    }
    CHECK(waiter.outcome == pool_outcome::closed);
    CHECK(*holder.lease == 9);
    holder.lease.reset();
}

TEST_CASE("async_pool: a coroutine that is destroyed while it waits leaves the line", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 1});
    pool.emplace(1);
    auto held = pool.try_acquire();
    user last;
    struct endable {
        struct promise_type : framed_promise<> {
            endable get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
            std::suspend_never initial_suspend() noexcept { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() noexcept {}
            void unhandled_exception() noexcept {}
        };
        std::coroutine_handle<> handle;
    };
    const auto waits = [](async_pool<int>& p, std::stop_token s) -> endable { auto mine = co_await p.acquire(s); };
    std::stop_source stop;
    auto gone = waits(pool, stop.get_token());
    wants(pool, last);
    gone.handle.destroy();
    CHECK(pool.status().waiting == 1);
    held.reset();
    CHECK(last.lease);
    stop.request_stop();
    last.lease.reset();
    CHECK(pool.status().idle == 1);
}

TEST_CASE("async_pool: a thousand who hand one object on need no deeper stack and no memory", "[async][async_pool]") {
    async_pool<int> pool({.capacity = 1});
    pool.emplace(0);
    auto first = pool.try_acquire();
    const auto count = [](async_pool<int>& p) -> task<> { ++*co_await p.acquire(); };
    for (int i = 0; i < 1000; ++i) start(count(pool));
    first.reset();
    CHECK(*pool.try_acquire() == 1000);
}

TEST_CASE("async_pool: waiters go on where the pool is told to let them", "[async][async_pool]") {
    static std::vector<pool_waiter*> elsewhere;
    async_pool<int> pool({.capacity = 1, .resume_on = {[](void*, pool_waiter& w) noexcept { elsewhere.push_back(&w); }, nullptr}});
    pool.emplace(3);
    auto held = pool.try_acquire();
    user u;
    wants(pool, u);
    held.reset();
    CHECK_FALSE(u.lease);
    REQUIRE(elsewhere.size() == 1);
    elsewhere[0]->resume(*elsewhere[0]);
    CHECK(u.lease);
}

TEST_CASE("async_pool: where the allocator refuses, every wish is answered with a value", "[async][async_pool]") {
    struct refusing {
        static result<block> allocate(layout) noexcept { return alloc_error{}; }
        static void deallocate(std::byte*, layout) noexcept {}
    } nothing;
    async_pool<int, refusing> pool(nothing, {.capacity = 3});
    CHECK_FALSE(pool.emplace(1));
    CHECK_FALSE(pool.try_acquire());
    user u, stoppable;
    std::stop_source stop;
    start(wishes(u, [&] { return pool.acquire(); }));
    start(wishes(stoppable, [&] { return pool.acquire(stop.get_token()); }));
    CHECK(u.outcome == pool_outcome::closed);
    CHECK(stoppable.outcome == pool_outcome::closed);
    CHECK(pool.status().capacity == 0);
}
