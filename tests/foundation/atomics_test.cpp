#include "ashlar/foundation/atomics.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace {

/// A policy of a test's own, as a model checker would bring: it sees every access.
struct counting_atomics {
    static inline int accesses = 0;
    template <class T>
    struct atomic {
        T value{};
        T load(std::memory_order) const { return ++accesses, value; }
        void store(T v, std::memory_order) { ++accesses, value = v; }
        T exchange(T v, std::memory_order) { return ++accesses, std::exchange(value, v); }
        bool compare_exchange_weak(T& expected, T v, std::memory_order, std::memory_order) {
            ++accesses;
            if (value != expected) return expected = value, false;
            return value = v, true;
        }
    };
    template <class T>
    using plain = T;
    static void pause() {}
};

/// A protocol written over the seam: a one-word stack of tickets.
template <ashlar::atomics_policy P>
struct counter {
    typename P::template atomic<std::uintptr_t> word{};
    void add() {
        std::uintptr_t seen = word.load(std::memory_order_acquire);
        while (!word.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
            P::pause();
        }
    }
};

}  // namespace

TEST_CASE("atomics: production takes std::atomic, at no cost in space", "[foundation][atomics]") {
    STATIC_REQUIRE(ashlar::atomics_policy<ashlar::std_atomics>);
    STATIC_REQUIRE(std::is_same_v<ashlar::std_atomics::atomic<int>, std::atomic<int>>);
    STATIC_REQUIRE(std::is_same_v<ashlar::std_atomics::plain<int>, int>);
    STATIC_REQUIRE_FALSE(ashlar::atomics_policy<int>);
}

TEST_CASE("atomics: one protocol runs under production's policy and under a test's", "[foundation][atomics]") {
    counter<ashlar::std_atomics> real;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back([&] { for (int i = 0; i < 1000; ++i) real.add(); });
    for (auto& thread : threads) thread.join();
    CHECK(real.word.load() == 4000);
    counter<counting_atomics> watched;
    watched.add();
    CHECK(counting_atomics::accesses == 2);
}
