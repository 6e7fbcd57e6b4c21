// Leases: moves, ends, broken objects.
#include <catch2/catch.hpp>
#include <stdexcept>

#include "ashlar/async/async_pool.hpp"
#include "ashlar/async/pool_lease.hpp"

using namespace ashlar;

namespace {
struct counted {
    explicit counted(int n) : number(n) {
        if (n < 0) throw std::runtime_error("refused");
        ++live;
    }
    counted(const counted&) = delete;
    ~counted() { --live; }
    int number;
    static inline int live = 0;
};
}  // namespace

TEST_CASE("pool_lease: moving hands the object on, and it goes back once", "[async][pool_lease]") {
    async_pool<counted> pool({.capacity = 2});
    REQUIRE(pool.emplace(1));
    auto a = pool.try_acquire();
    pool_lease<counted> b(std::move(a));
    CHECK_FALSE(a);
    CHECK(b->number == 1);
    CHECK_FALSE(pool.try_acquire());
    b = pool_lease<counted>();
    CHECK(pool.status().idle == 1);
    b.reset();
    CHECK(pool.status().idle == 1);
    CHECK(b.outcome() == pool_outcome::waiting);
}

TEST_CASE("pool_lease: a broken object ends with its lease, and another takes its place", "[async][pool_lease]") {
    {
        async_pool<counted> pool({.capacity = 2});
        REQUIRE(pool.emplace(1));
        REQUIRE(pool.emplace(2));
        CHECK_FALSE(pool.emplace(3));
        auto broken = pool.try_acquire();
        broken.discard();
        CHECK_FALSE(broken);
        CHECK(counted::live == 1);
        CHECK(pool.status().size == 1);
        CHECK_THROWS_AS(pool.emplace(-1), std::runtime_error);
        CHECK(pool.status().size == 1);
        CHECK(pool.emplace(4));
        CHECK_FALSE(pool.emplace(5));
        CHECK(counted::live == 2);
    }
    CHECK(counted::live == 0);
}
