#include "ashlar/testing/explored_races.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

TEST_CASE("explored_races: two writes that nothing orders are told, two that a message orders are not", "[testing][explored_races]") {
    for (const bool release : {false, true}) {
        explored_memory m;
        explored_races races;
        int flag = 0, data = 0;
        m.begin();
        races.begin();
        const unsigned p = m.add_place(&flag, 0, 0, 0);
        m.tick(0);
        m.tick(1);
        CHECK(races.write(m, 0, &data) == nullptr);
        m.tick(0);
        const auto s = m.write(0, p, 1, m.latest(p), false, release);
        m.tick(0);
        m.tick(1);
        m.read(1, s, true);
        m.tick(1);
        CHECK((races.write(m, 1, &data) == nullptr) == release);  // explored_races.I1
    }
}

TEST_CASE("explored_races: readers do not disturb each other, a writer does", "[testing][explored_races]") {
    explored_memory m;
    explored_races races;
    int data = 0;
    m.begin();
    races.begin();
    m.tick(0);
    m.tick(1);
    CHECK(races.read(m, 0, &data) == nullptr);
    CHECK(races.read(m, 1, &data) == nullptr);
    CHECK(races.write(m, 0, &data) != nullptr);
    races.begin();  // another execution remembers nothing
    CHECK(races.write(m, 0, &data) == nullptr);
}
