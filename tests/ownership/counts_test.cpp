#include "ashlar/ownership/counts.hpp"

#include <catch2/catch.hpp>
#include <thread>


using namespace ashlar;

TEMPLATE_TEST_CASE("counts: begin with one strong handle, and strong handles together count as one weak",
                   "[ownership][counts]", local_counts, shared_counts<>) {
    TestType c;
    CHECK(c.unique());
    CHECK(c.strong() == 1);
    CHECK(c.weak() == 0);
    c.add_strong();
    CHECK_FALSE(c.unique());
    CHECK(c.add_weak_if_alive());
    CHECK(c.weak() == 1);
    CHECK_FALSE(c.drop_strong());
    CHECK(c.drop_strong());
    CHECK_FALSE(c.add_strong_if_alive());
    CHECK_FALSE(c.add_weak_if_alive());
    CHECK_FALSE(c.drop_weak());
    CHECK(c.drop_weak());
}

TEMPLATE_TEST_CASE("counts: while a dead block waits it carries any address below 2^48, and weak handles come and go",
                   "[ownership][counts]", local_counts, shared_counts<>) {
    for (unsigned bit = 3; bit < 48; ++bit) {
        for (const std::uintptr_t next : {std::uintptr_t{1} << bit, (std::uintptr_t{1} << 48) - (std::uintptr_t{1} << bit)}) {
            TestType c;
            for (int i = 0; i < 3; ++i) c.add_weak_if_alive();
            REQUIRE(c.drop_strong());
            REQUIRE(c.wait(next));
            REQUIRE(c.strong() == 0);
            REQUIRE_FALSE(c.add_strong_if_alive());
            REQUIRE_FALSE(c.add_weak_if_alive());
            REQUIRE_FALSE(c.drop_weak());
            REQUIRE(c.stop_waiting() == next);
            REQUIRE_FALSE(c.drop_weak());
            REQUIRE_FALSE(c.drop_weak());
            REQUIRE(c.drop_weak());
        }
    }
}

TEMPLATE_TEST_CASE("counts: what has no room for the link does not wait", "[ownership][counts]", local_counts,
                   shared_counts<>) {
    TestType c;
    for (std::uint64_t i = 1; i < waiting_link::most_weak; ++i) c.add_weak_if_alive();
    c.drop_strong();
    CHECK_FALSE(c.wait(64));
    c.drop_weak();
    CHECK_FALSE(c.wait(std::uintptr_t{1} << 48));
    CHECK_FALSE(c.wait(12));
    CHECK(c.wait(64));
    CHECK(c.stop_waiting() == 64);
}

TEMPLATE_TEST_CASE("counts: dropping and adding from two threads loses nothing", "[ownership][counts]", shared_counts<>) {
    TestType c;
    const auto work = [&] {
        for (int i = 0; i < 20'000; ++i) {
            if (c.add_strong_if_alive()) c.drop_strong();
            if (c.add_weak_if_alive()) c.drop_weak();
        }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(c.unique());
}
