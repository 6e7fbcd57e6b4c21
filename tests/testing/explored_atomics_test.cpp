#include "ashlar/testing/explored_atomics.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("explored_atomics: outside of an exploration they are the words they stand for", "[testing][explored_atomics]") {
    explored_atomics::atomic<std::uint32_t> n{5};
    CHECK(n.fetch_add(2) == 5);
    CHECK(n.fetch_sub(1) == 7);
    CHECK(n.fetch_or(8) == 6);
    CHECK(n.fetch_and(12) == 14);
    CHECK(n.exchange(3) == 12);
    std::uint32_t expected = 4;
    CHECK_FALSE(n.compare_exchange_weak(expected, 9));
    CHECK(expected == 3);
    CHECK(n.compare_exchange_strong(expected, 9, memory_order_acq_rel, memory_order_relaxed));
    n.store(n.load() + 1);
    CHECK(n.load(memory_order_relaxed) == 10);
    CHECK(sum_with(n, 5u) == 15);
    explored_atomics::pause();
}

TEST_CASE("explored_atomics: plain words are read and assigned like what they hold", "[testing][explored_atomics]") {
    struct pair {
        int a, b;
    } both{1, 2};
    explored_atomics::plain<pair*> p = &both;
    explored_atomics::plain<int> n = p->b;
    n = n + 1;
    const auto copy = n;
    CHECK(copy == 3);
}
