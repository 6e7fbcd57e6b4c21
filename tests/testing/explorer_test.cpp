#include "ashlar/testing/explorer.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

namespace {
int constructed, finished, destroyed;
}

TEST_CASE("explorer: a scenario without forks is run once, from its beginning to its end", "[testing][explorer]") {
    constructed = finished = destroyed = 0;
    explorer e({2, 64, 16, [](void*) { ++constructed; }, [](void* at, unsigned t) { static_cast<int*>(at)[t] = 7; },
                [](void*) { ++finished; }, [](void*) { ++destroyed; }},
               {});
    const exploration seen = e.run();
    CHECK(seen.ok());
    CHECK(seen.executions == 1);
    CHECK((constructed == 1 && finished == 1 && destroyed == 1));
}

TEST_CASE("explorer: a failure ends the thread that met it, and the execution", "[testing][explorer]") {
    destroyed = 0;
    static bool went_on;
    went_on = false;
    explorer e({1, 64, 16, [](void*) {},
                [](void*, unsigned) {
                    explorer::inside()->fail("so");
                    went_on = true;  // explorer.I1
                },
                [](void*) {}, [](void*) { ++destroyed; }},
               {});
    CHECK(e.run().failure == "so");
    CHECK_FALSE(went_on);
    CHECK(destroyed == 0);
    CHECK(explorer::running() == nullptr);
}
