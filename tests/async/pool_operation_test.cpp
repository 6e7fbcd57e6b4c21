// The operation in orders that a real library shows rarely: a flavour whose queue and timers the test drives.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "ashlar/async/pool_operation.hpp"

using namespace ashlar;

namespace {

struct loop {
    std::vector<std::function<void()>> ready;
    std::function<void(bool)> alarm;  // of the one timer: called with whether it was cancelled
    void run() {
        while (!ready.empty()) {
            auto next = std::move(ready.front());
            ready.erase(ready.begin());
            next();
        }
    }
};
struct unconnected {
    static bool is_connected() { return false; }
    template <class F>
    static void assign(F) {}
    static void clear() {}
};
struct hand_driven {
    template <class Executor>
    struct timer {
        timer(Executor on, pool_clock::time_point) : of(on) {}
        template <class F>
        void async_wait(F f) {
            of->alarm = f;
        }
        void cancel() {
            if (of->alarm) of->ready.push_back([f = std::exchange(of->alarm, nullptr)] { f(true); });
        }
        Executor of;
    };
    template <class Signature, class Initiation, class Token, class... A>
    static void initiate(Initiation i, Token& token, A... a) {
        i(std::move(token), a...);
    }
    template <class H>
    static loop* executor_of(const H&, loop* e) { return e; }
    template <class H>
    static std::allocator<void> allocator_of(const H&) { return {}; }
    template <class H>
    static unconnected slot_of(const H&) { return {}; }
    static loop* tracked(loop* e) { return e; }
    template <class F>
    static void post(loop* e, F f) { e->ready.push_back([kept = std::make_shared<F>(std::move(f))] { (*kept)(); }); }
};

struct test_bed {
    loop on;
    async_pool<int> pool{pool_options{.capacity = 1}};
    pool_lease<int> held, got;
    int calls = 0;
    test_bed() {
        pool.emplace(1);
        held = pool.try_acquire();
    }
    void wait(pool_clock::time_point until) {
        acquire_by<hand_driven>(&on, pool, until, [this](pool_lease<int> l) {
            got = std::move(l);
            ++calls;
        });
    }
};
const auto some_day = pool_clock::now() + std::chrono::hours(1);

}  // namespace

TEST_CASE("pool_operation: a grant is handed over by the executor, after the timer's end", "[async][pool_operation]") {
    test_bed t;
    t.wait(some_day);
    t.held.reset();
    CHECK(t.calls == 0);
    t.on.run();
    CHECK(t.calls == 1);
    CHECK(t.got.outcome() == pool_outcome::granted);
}

TEST_CASE("pool_operation: the timer that fires after the grant, before the handler, changes nothing", "[async][pool_operation]") {
    test_bed t;
    t.wait(some_day);
    t.held.reset();
    std::exchange(t.on.alarm, nullptr)(false);
    CHECK(t.calls == 0);
    t.on.run();
    CHECK(t.calls == 1);
    CHECK(t.got);
}

TEST_CASE("pool_operation: the timer that fires first ends the wait, and the object goes to nobody", "[async][pool_operation]") {
    test_bed t;
    t.wait(some_day);
    std::exchange(t.on.alarm, nullptr)(false);
    t.held.reset();
    t.on.run();
    CHECK(t.calls == 1);
    CHECK(t.got.outcome() == pool_outcome::timed_out);
    CHECK(t.pool.status().idle == 1);
}

TEST_CASE("pool_operation: closing, and an idle object, are told by the executor too", "[async][pool_operation]") {
    test_bed t;
    t.held.reset();
    t.wait(no_deadline);
    CHECK(t.calls == 0);
    t.on.run();
    CHECK(t.got);
    t.wait(some_day);
    t.pool.core()->close();
    t.on.run();
    CHECK(t.calls == 2);
    CHECK(t.got.outcome() == pool_outcome::closed);
}
