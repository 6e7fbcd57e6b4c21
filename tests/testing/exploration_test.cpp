#include "ashlar/testing/exploration.hpp"

#include <catch2/catch.hpp>

using namespace ashlar::testing;

TEST_CASE("exploration: the text tells the verdict, the schedule and the name of the execution", "[testing][exploration]") {
    exploration e;
    e.executions = 12;
    CHECK_FALSE(e.ok());  // not all was seen
    e.complete = true;
    CHECK(e.ok());
    CHECK(e.text() == "no failure in 12 executions\n");
    e.failure = "data race";
    e.found_after = 3;
    e.name = "r.0.1";
    e.schedule.push_back({1, {"a/b/list.hpp", 7, 3, "load"}, "load [8] sees 0"});
    CHECK(e.text() == "data race\n  after 3 executions\n  thread 1  load [8] sees 0  at list.hpp:7\n  this execution is called r.0.1\n");
}
