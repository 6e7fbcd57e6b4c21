// The gate that a forking thread closes, with threads that go in and out meanwhile.
#include "ashlar/malloc/fork_gate.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

using namespace ashlar::malloc;

TEST_CASE("fork_gate: nobody is inside while it is closed", "[malloc][fork_gate]") {
    fork_gate<> gate;
    constexpr std::size_t count = 3;
    fork_gate<>::flag inside[count];
    std::atomic<bool> stop{false};
    long changes[count]{};  // plain words: the thread sanitizer sees whether the gate orders them
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < count; ++t) {
        threads.emplace_back([&, t] {
            for (long i = 0; !stop && i < 100'000'000; ++i) {
                const visit here(gate, inside[t]);
                ++changes[t];
            }
        });
    }
    for (int round = 0; round < 200; ++round) {
        gate.close();
        REQUIRE(gate.settle(true, [&](auto left) { for (auto& flag : inside) left(flag); }));
        long sum = 0;
        for (const long n : changes) sum += n;
        std::this_thread::yield();
        long again = 0;
        for (const long n : changes) again += n;
        gate.open();
        REQUIRE(sum == again);  // fork_gate.I1
    }
    stop = true;
    for (auto& thread : threads) thread.join();
}

TEST_CASE("fork_gate: guests are waited for, and wait", "[malloc][fork_gate]") {
    fork_gate<> gate;
    long visits = 0;
    std::atomic<bool> stop{false};
    std::thread guest([&] {
        for (long i = 0; !stop && i < 100'000'000; ++i) {
            gate.enter_as_guest();
            ++visits;
            gate.leave_as_guest();
        }
    });
    for (int round = 0; round < 100; ++round) {
        gate.close();
        REQUIRE(gate.settle(false, [](auto) {}));
        const long before = visits;
        std::this_thread::yield();
        REQUIRE(visits == before);
        gate.open();
    }
    stop = true;
    guest.join();
}

TEST_CASE("fork_gate: it does not wait for ever for a visitor that is stopped", "[malloc][fork_gate]") {
    fork_gate<> gate;
    fork_gate<>::flag inside;
    gate.enter(inside);
    gate.close();
    CHECK_FALSE(gate.settle(true, [&](auto left) { left(inside); }));
    gate.open();
    fork_gate<>::leave(inside);
    gate.close();
    CHECK(gate.settle(true, [&](auto left) { left(inside); }));
    gate.open();
}
