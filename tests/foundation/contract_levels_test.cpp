// What ASHLAR_CHECKS = 0 leaves of the checks: nothing that runs, yet the condition still has to compile.
#undef ASHLAR_CHECKS
#define ASHLAR_CHECKS 0
#include <catch2/catch.hpp>

#include "ashlar/foundation/contract.hpp"

TEST_CASE("contract: at level 0 a condition is compiled and never evaluated", "[foundation][contract]") {
    int evaluated = 0;
    const auto count = [&] { return ++evaluated; };
    ASHLAR_PRE(count() == 17);
    ASHLAR_INVARIANT(count() == 17);
    CHECK(evaluated == 0);
}
