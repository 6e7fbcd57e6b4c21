#include "ashlar/foundation/atomics.hpp"

#include <atomic>
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
        T load(ashlar::memory_order) const { return ++accesses, value; }
        void store(T v, ashlar::memory_order) { ++accesses, value = v; }
        T exchange(T v, ashlar::memory_order) { return ++accesses, std::exchange(value, v); }
        bool compare_exchange_weak(T& expected, T v, ashlar::memory_order, ashlar::memory_order) {
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
        std::uintptr_t seen = word.load(ashlar::memory_order_acquire);
        while (!word.compare_exchange_weak(seen, seen + 1, ashlar::memory_order_acq_rel, ashlar::memory_order_acquire)) {
            P::pause();
        }
    }
};

}  // namespace

TEST_CASE("atomics: production takes the machine's, at no cost in space, with orders of std or its own", "[foundation][atomics]") {
    STATIC_REQUIRE(ashlar::atomics_policy<ashlar::std_atomics>);
    STATIC_REQUIRE(sizeof(ashlar::atomic<int>) == sizeof(int));
    STATIC_REQUIRE(alignof(ashlar::atomic<std::uint64_t>) == 8);
    STATIC_REQUIRE(static_cast<int>(ashlar::memory_order_acq_rel) == static_cast<int>(std::memory_order_acq_rel));
    ashlar::atomic<int> word{1};
    CHECK(word.fetch_add(2, std::memory_order_relaxed) == 1);
    CHECK(word.exchange(5, ashlar::memory_order_acq_rel) == 3);
    int seen = 4;
    CHECK_FALSE(word.compare_exchange_strong(seen, 9));
    CHECK(seen == 5);
    CHECK(word.compare_exchange_strong(seen, 6));
    CHECK(word.fetch_or(1) == 6);
    CHECK(word.fetch_and(3) == 7);
    CHECK(word.fetch_sub(1) == 3);
    CHECK(word.load() == 2);
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

TEST_CASE("atomics: a sum with a word in memory is the sum", "[foundation][atomics]") {
    const ashlar::atomic<std::uint64_t> wide{std::uint64_t{1} << 40};
    CHECK(ashlar::sum_with(wide, std::uint64_t{7}) == (std::uint64_t{1} << 40) + 7);
    const ashlar::atomic<std::uint32_t> narrow{~std::uint32_t{0}};
    CHECK(ashlar::sum_with(narrow, std::uint32_t{2}) == 1);
}

TEST_CASE("atomics: to pause changes nothing", "[foundation][atomics]") {
    const ashlar::atomic<std::uint64_t> word{7};
    for (int i = 0; i < 3; ++i) ashlar::std_atomics::pause();
    CHECK(word.load() == 7);
}
