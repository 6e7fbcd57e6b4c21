// Grant, cancellation, timeout and close at once, in random order on three threads: every waiter goes on once, every lease
// is given back, every object ends once. A few hundred interleavings here; a million in ./dev soak, under the thread sanitizer.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <thread>

#include "ashlar/async/async_pool.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;
using namespace std::chrono_literals;

namespace {

std::atomic<int> live_objects{0};
struct object {
    object() { ++live_objects; }
    ~object() { --live_objects; }
    int holders = 0;  // plain: the sanitizer sees two holders
};

/// What the waiters of a round saw, written by whichever thread they go on in.
struct seen {
    std::atomic<int> by_outcome[6]{};
    std::atomic<int> wrong{0}, closers{0};
};

task<> waits(async_pool<object>& pool, std::stop_token stop, pool_clock::time_point deadline, seen& all) {
    auto lease = co_await pool.acquire_until(deadline, std::move(stop));
    if (lease) {
        if (++lease->holders != 1) ++all.wrong;
        --lease->holders;
    }
    ++all.by_outcome[static_cast<int>(lease.outcome())];
}
task<> closes(async_pool<object>& pool, seen& all) {
    co_await pool.close();
    ++all.closers;
}

/// Three threads that begin each round together.
class team {
public:
    template <class Act>
    explicit team(Act act) {
        for (int i = 0; i < 2; ++i) {
            threads_[i] = std::thread([this, i, act] {
                for (unsigned round = 1;; ++round) {
                    while (round_.load(std::memory_order_acquire) < round) round_.wait(round - 1, std::memory_order_relaxed);
                    if (over_.load(std::memory_order_relaxed)) return;
                    act(i + 1);
                    done_.fetch_add(1, std::memory_order_acq_rel);
                    done_.notify_one();
                }
            });
        }
    }
    template <class Act>
    void run(Act act) {
        done_.store(0, std::memory_order_relaxed);
        begin();
        act(0);
        for (int done; (done = done_.load(std::memory_order_acquire)) != 2;) done_.wait(done, std::memory_order_relaxed);
    }
    ~team() {
        over_.store(true, std::memory_order_relaxed);
        begin();
        for (std::thread& t : threads_) t.join();
    }

private:
    void begin() {
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
    }
    std::atomic<unsigned> round_{0};
    std::atomic<int> done_{0};
    std::atomic<bool> over_{false};
    std::thread threads_[2];
};

constexpr auto far = pool_clock::time_point(pool_clock::duration(1) * (std::int64_t{1} << 61));

/// @returns the first round in which something was lost; 0 for none
unsigned interleavings(unsigned rounds, unsigned seed) {
    std::mt19937 engine(seed);
    const auto random = [&engine] { return static_cast<unsigned>(engine()); };
    struct round {
        explicit round(std::uint32_t n) : pool({.capacity = n}) {}
        async_pool<object> pool;
        pool_lease<object> held[2];
        std::stop_source stop;
        seen all;
        unsigned acts[3][3], pauses[3];
    };
    round* now = nullptr;
    const auto act = [&now](int thread) {
        round& r = *now;
        for (unsigned i = 0; i < r.pauses[thread]; ++i) std_atomics::pause();
        for (const unsigned what : r.acts[thread]) {
            if (what == 0) r.held[thread % 2].reset();  // one thread each: 2 has none
            if (what == 1) r.stop.request_stop();
            if (what == 2) r.pool.expire(far);
            if (what == 3) start(closes(r.pool, r.all));
            if (what == 4) start(waits(r.pool, r.stop.get_token(), no_deadline, r.all));
        }
    };
    team others([&act](int thread) { act(thread); });
    for (unsigned n = 1; n <= rounds; ++n) {
        int waiters = 0, closers = 0;
        {
            round r(1 + random() % 2);
            now = &r;
            while (r.pool.emplace()) {}
            for (auto& h : r.held) h = r.pool.try_acquire();
            for (int thread = 0; thread < 3; ++thread) {
                r.pauses[thread] = random() % 60;
                for (unsigned& a : r.acts[thread]) {
                    a = random() % 12;
                    if (a == 0 && thread == 2) a = 4;
                    waiters += a == 4;
                    closers += a == 3;
                }
            }
            for (unsigned i = random() % 4; i != 0; --i, ++waiters) {
                const auto stop = random() % 2 == 0 ? r.stop.get_token() : std::stop_token();
                start(waits(r.pool, stop, random() % 2 == 0 ? far : no_deadline, r.all));
            }
            others.run(act);
            for (auto& h : r.held) h.reset();
            const pool_status s = r.pool.status();
            int ended = 0;
            for (const auto& count : r.all.by_outcome) ended += count;
            const bool conserved = closers == 0 ? s.idle == s.capacity && s.waiting == 0 : s.size == 0;
            if (!conserved || ended != waiters || r.all.closers != closers || r.all.wrong != 0) return n;
        }
        if (live_objects != 0) return n;
    }
    return 0;
}

}  // namespace

TEST_CASE("async_pool: leases are conserved whatever cancels, times out and closes at once", "[async][async_pool_races]") {
    for (unsigned seed = 1; seed <= 2; ++seed) {
        INFO("seed " << seed);
        CHECK(interleavings(300, seed) == 0);
    }
}

TEST_CASE("async_pool: the same for as many interleavings as the soak asks", "[async][async_pool_races][soak]") {
    const char* const rounds = std::getenv("ASHLAR_SOAK_INTERLEAVINGS");
    const char* const seed = std::getenv("ASHLAR_SOAK_SEED");
    CHECK(interleavings(rounds == nullptr ? 1 : static_cast<unsigned>(std::atoi(rounds)),
                        seed == nullptr ? 3 : static_cast<unsigned>(std::atoi(seed))) == 0);
}
