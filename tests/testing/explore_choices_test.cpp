#include "ashlar/testing/explore_choices.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

TEST_CASE("explore_choices: every path through the values is taken once", "[testing][explore_choices]") {
    explore_choices c;
    std::vector<unsigned> seen;
    do {
        c.begin();
        const unsigned a = c.value(2);
        seen.push_back(10 * a + (a == 0 ? c.value(3) : c.value(1)));
    } while (c.next());
    CHECK(seen == std::vector<unsigned>{0, 1, 2, 10});
    CHECK_FALSE(c.strayed());
}

TEST_CASE("explore_choices: of the threads those are tried that somebody wants", "[testing][explore_choices]") {
    explore_choices c;
    std::vector<int> seen;
    do {
        c.begin();
        const auto at = c.depth();
        seen.push_back(c.thread(0b111, 0b111, 1, false).chosen);
        if (seen.size() == 1) c.want(at, 2);
    } while (c.next());
    CHECK(seen == std::vector<int>{1, 2});
}

TEST_CASE("explore_choices: a path that meets other forks than before has strayed", "[testing][explore_choices]") {
    explore_choices c;
    c.begin();
    c.value(2);
    c.value(2);
    CHECK(c.next());
    c.begin();
    c.value(3);
    CHECK(c.strayed());
}

TEST_CASE("explore_choices: follows a path that is given", "[testing][explore_choices]") {
    explore_choices c;
    c.follow({1, 2, 0});
    c.begin();
    CHECK(c.value(2) == 1);
    CHECK(c.thread(0b100, 0b100, 0, true).chosen == 2);
    CHECK(c.value(4) == 0);
    CHECK(c.path() == std::vector<std::uint8_t>{1, 2, 0});
}
