#include "ashlar/testing/attempt.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("attempt: code that keeps its contracts comes to its end", "[testing][attempt]") {
    int done = 0;
    CHECK_FALSE(attempt([&] { ++done; }).has_value());
    CHECK(done == 1);
}

#if ASHLAR_CHECKS >= 1
TEST_CASE("attempt: tells which contract was broken and goes on", "[testing][attempt]") {
    volatile int done = 0;
    const auto seen = attempt([&] {
        done = 1;
        ASHLAR_PRE(done == 2);
        done = 3;
    });
    REQUIRE(seen);
    CHECK(done == 1);
    CHECK(std::string(seen->condition) == "done == 2");
    CHECK(text_of(*seen).find("attempt_test.cpp:") != std::string::npos);
}

TEST_CASE("attempt: one inside another gives the handler back", "[testing][attempt]") {
    const auto outer = attempt([] {
        const auto inner = attempt([] { ASHLAR_PRE(1 == 2); });
        ASHLAR_PRE(!inner.has_value());
    });
    CHECK(outer.has_value());
    const auto handler = set_contract_handler(nullptr);
    CHECK(handler == nullptr);
}
#endif
