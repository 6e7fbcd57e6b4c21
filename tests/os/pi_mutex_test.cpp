#include "ashlar/os/pi_mutex.hpp"

#include <catch2/catch.hpp>
#include <thread>

TEST_CASE("pi_mutex: one thread at a time is inside, and it inherits where the system can", "[os][pi_mutex]") {
    ashlar::os::pi_mutex mutex;
    CHECK(mutex.inherits());  // Linux has had it since 2.6.18
    long sum = 0;
    const auto count = [&] {
        for (int i = 0; i < 2000; ++i) {
            mutex.lock();
            ++sum;
            mutex.unlock();
        }
    };
    std::thread other(count);
    count();
    other.join();
    CHECK(sum == 4000);
    CHECK(mutex.try_lock());
    mutex.unlock();
}
