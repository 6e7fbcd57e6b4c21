// The adapter with Boost.Asio.
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "ashlar/async/boost_asio.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;

namespace {
task<> user(boost::asio::io_context& io, async_pool<int>& pool, int& served, pool_outcome& last) {
    auto mine = co_await boost_asio_adapter::async_acquire(io.get_executor(), pool, awaited);
    served += *mine;
    const auto soon = pool_clock::now() + std::chrono::milliseconds(1);
    last = (co_await boost_asio_adapter::async_acquire(io.get_executor(), pool, soon, awaited)).outcome();
}
}  // namespace

TEST_CASE("boost_asio: tasks wait for the pool, and for the pool until a deadline", "[async][boost_asio]") {
    boost::asio::io_context io(1);
    async_pool<int> pool({.capacity = 1});
    pool.emplace(21);
    int served = 0;
    pool_outcome last = pool_outcome::waiting;
    start(user(io, pool, served, last));
    io.run();
    CHECK(served == 21);
    CHECK(last == pool_outcome::timed_out);
    CHECK(pool.status().idle == 1);
}
