// The protocol by itself: nodes that are no coroutines, and who frees the core.
#include <catch2/catch.hpp>

#include "ashlar/async/async_pool.hpp"
#include "ashlar/async/pool_core.hpp"

using namespace ashlar;

namespace {
/// Counts what is out of the host's memory.
struct counting {
    result<block> allocate(layout l) noexcept {
        if (refuses) return alloc_error{};
        ++live;
        return ashlar::system::allocate(l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        --live;
        ashlar::system::deallocate(p, l);
    }
    int live = 0;
    bool refuses = false;
};
struct waiter : pool_waiter {
    waiter() : pool_waiter([](pool_waiter& w) noexcept { ++static_cast<waiter&>(w).resumed; }) {}
    int resumed = 0;
};
using pool = async_pool<int, counting>;
}  // namespace

TEST_CASE("pool_core: who waits is served in order, and nobody who comes later passes", "[async][pool_core]") {
    counting memory;
    pool p(memory, {.capacity = 1});
    REQUIRE(p.emplace(7));
    auto held = p.try_acquire();
    waiter a, b;
    CHECK(p.enqueue(a));
    CHECK(p.enqueue(b));
    held.reset();
    CHECK(a.outcome == pool_outcome::granted);
    CHECK(a.resumed == 1);
    CHECK(b.resumed == 0);
    CHECK_FALSE(p.try_acquire());  // it is a's
    p.core()->leave(a);
    p.core()->give(*a.slot);
    CHECK(b.outcome == pool_outcome::granted);
    p.core()->leave(b);
    p.core()->give(*b.slot);
    CHECK(p.status().handed_over == 2);
    CHECK(p.try_acquire());
}

TEST_CASE("pool_core: the core goes when the pool, what is out and who waited are gone, in whichever order", "[async][pool_core]") {
    counting memory;
    for (int order = 0; order < 2; ++order) {
        waiter w;
        pool_core* core = nullptr;
        {
            pool_lease<int> late;
            {
                pool p(memory, {.capacity = 1});
                p.emplace(1);
                late = p.try_acquire();
                core = p.core();
                CHECK(p.enqueue(w));
            }
            CHECK(w.outcome == pool_outcome::closed);
            CHECK(memory.live == 1);
            if (order == 0) core->leave(w);
            CHECK(memory.live == 1);
            CHECK(*late == 1);
        }
        if (order == 1) {
            CHECK(memory.live == 1);
            core->leave(w);
        }
        CHECK(memory.live == 0);
    }
}

TEST_CASE("pool_core: where the allocator refuses there is a closed pool without room", "[async][pool_core]") {
    counting memory;
    memory.refuses = true;
    pool p(memory, {.capacity = 4});
    CHECK_FALSE(p.emplace(1));
    CHECK_FALSE(p.try_acquire());
    waiter w;
    CHECK_FALSE(p.enqueue(w));
    CHECK(w.outcome == pool_outcome::closed);
    CHECK(p.status().capacity == 0);
    CHECK(p.expire() == no_deadline);
    memory.refuses = false;
    pool huge(memory, {.capacity = UINT32_MAX});  // more than there is: refused, not wrapped
    CHECK(memory.live <= 1);
}
