#include <catch2/catch.hpp>

#include <thread>
#include <vector>

#include "ashlar/malloc/tiny_lock.hpp"

using namespace ashlar::malloc;

TEST_CASE("tiny_lock: one thread at a time is inside", "[malloc][tiny_lock]") {
    tiny_lock<> lock;
    long counter = 0;  // not atomic: tiny_lock.I1 makes it exact, and keeps the thread sanitizer quiet
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) {
                const holding guard(lock);
                ++counter;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(counter == 40'000);
}

TEST_CASE("tiny_lock: try_lock refuses while it is held", "[malloc][tiny_lock]") {
    tiny_lock<> lock;
    REQUIRE(lock.try_lock());
    CHECK_FALSE(lock.try_lock());
    lock.unlock();
    CHECK(lock.try_lock());
    lock.unlock();
}
