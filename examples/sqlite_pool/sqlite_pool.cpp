// sqlite_pool - connections to a database that coroutines await: with a deadline, and no more than so many in the line.
//
// Usage: sqlite_pool [requests]        400 by default
//
// Requests come in bursts, more than the connections can serve. A request waits for a connection until its deadline, is
// turned away at once where too many wait, and runs its query on a thread of its own kind: SQLite blocks. It gives the
// connection back from there. One connection is found broken and replaced. At the end the pool is closed, and
// close is awaited: when it goes on, SQLite has closed every connection.
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "ashlar/async/asio.hpp"
#include "ashlar/async/task.hpp"

using ashlar::awaited;
using ashlar::task;
using namespace std::chrono_literals;

namespace {

constexpr int connections = 4, most_waiters = 40, burst = 60;
int open_now = 0, refused_to_close = 0;  // of the main thread, before and after the others run, or under the pool's close

/// A connection to a database in memory that all share.
class connection {
public:
    connection() {
        if (sqlite3_open("file:shared?mode=memory&cache=shared", &handle_) == SQLITE_OK) ++open_now;
    }
    ~connection() {
        if (sqlite3_close(handle_) == SQLITE_OK) --open_now;
        else ++refused_to_close;
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    bool run(const char* statement) { return sqlite3_exec(handle_, statement, nullptr, nullptr, nullptr) == SQLITE_OK; }
    /// The one number that a query gives; -1 where it fails.
    long long number(const char* query) {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(handle_, query, -1, &prepared, nullptr) != SQLITE_OK) return -1;
        const long long found = sqlite3_step(prepared) == SQLITE_ROW ? sqlite3_column_int64(prepared, 0) : -1;
        sqlite3_finalize(prepared);
        return found;
    }

private:
    sqlite3* handle_ = nullptr;
};

struct service {
    asio::io_context io{1};
    asio::thread_pool workers{2};
    ashlar::async_pool<connection> pool{{.capacity = connections, .max_waiters = most_waiters}};
    int served = 0, timed_out = 0, rejected = 0, wrong = 0;
    bool closed = false;
};

/// What a request is: wait, query on a worker, come back.
task<> request(service& s, int n) {
    const auto deadline = ashlar::pool_clock::now() + 10ms;
    auto mine = co_await ashlar::asio_adapter::async_acquire(s.io.get_executor(), s.pool, deadline, awaited);
    if (!mine) {
        ++(mine.outcome() == ashlar::pool_outcome::timed_out ? s.timed_out : s.rejected);
        co_return;
    }
    co_await asio::post(s.workers, awaited);  // from here on in another thread
    const long long found = mine->number("WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 300) "
                                         "SELECT count(*) + (SELECT sum(price) FROM items) FROM up");
    const bool is_broken = n == 7;
    if (!is_broken) mine.reset();  // given back from the worker: the next who waits goes on by its own executor
    co_await asio::post(s.io, awaited);
    ++(found == 300 + 60 ? s.served : s.wrong);
    if (is_broken) {
        mine.discard();  // closed; the pool has room for another
        s.wrong += !s.pool.emplace();
    }
}
task<> requests(service& s, int wanted) {
    asio::steady_timer pause(s.io);
    for (int n = 0; n < wanted; ++n) {
        ashlar::start(request(s, n));
        if (n % burst != burst - 1) continue;
        pause.expires_after(20ms);
        static_cast<void>(co_await pause.async_wait(awaited));
    }
    while (s.served + s.timed_out + s.rejected + s.wrong != wanted) {
        pause.expires_after(1ms);
        static_cast<void>(co_await pause.async_wait(awaited));
    }
    co_await s.pool.close();
    s.closed = true;
}

}  // namespace

int main(int count, char** words) {
    const int wanted = count > 1 ? std::atoi(words[1]) : 400;
    if (wanted < 8) return std::fprintf(stderr, "usage: sqlite_pool [requests], at least 8\n"), 2;
    sqlite3_config(SQLITE_CONFIG_URI, 1);
    service s;
    for (int i = 0; i < connections; ++i) s.pool.emplace();
    bool ready = open_now == connections;
    if (auto first = s.pool.try_acquire()) {
        ready = ready && first->run("CREATE TABLE items (name TEXT, price INTEGER); INSERT INTO items VALUES ('a', 10), ('b', 20), ('c', 30)");
    }
    if (!ready) return std::fprintf(stderr, "sqlite_pool: the database could not be made\n"), 1;

    const auto began = std::chrono::steady_clock::now();
    ashlar::start(requests(s, wanted));
    s.io.run();
    s.workers.join();
    const double took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    const auto told = s.pool.status();
    std::printf("%d requests in bursts of %d on %d connections, %.0f ms: %d served, %d past their deadline of 10 ms, %d turned away\n",
                wanted, burst, connections, took, s.served, s.timed_out, s.rejected);
    std::printf("the pool: %llu grants, %llu of them handed from one request to the next; open after close: %d\n",
                static_cast<unsigned long long>(told.acquired), static_cast<unsigned long long>(told.handed_over), open_now);
    const bool good = s.closed && s.wrong == 0 && s.served > 0 && open_now == 0 && refused_to_close == 0 && told.size == 0;
    return good ? 0 : (std::fprintf(stderr, "sqlite_pool: a request was answered wrongly, or a connection is left\n"), 1);
}
