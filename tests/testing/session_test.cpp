#include "ashlar/testing/session.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;
using tests::specimen;

TEST_CASE("session: tells what the client did, and looks at laws after each act", "[testing][session]") {
    ground g;
    specimen heap(g.upstream());
    ledger log;
    const claims<specimen> stated;
    std::vector<std::string> told;
    session s(heap, g, stated, log, &told);
    s.play({{0, 23, 1, 0}, {10, 0, 0, 0}});  // session.I1: what it holds it can give back
    s.finish();
    CHECK(log.clean());
    CHECK(told == std::vector<std::string>{"allocate 24 bytes aligned to 8", "  -> #1, 24",
                                           "deallocate #1 as 24 bytes aligned to 8"});
    CHECK(s.seen() == results{true});
    for (const law l : {law::exclusivity, law::frame, law::conservation, law::completeness, law::ownership}) {
        CHECK(log.checks(l) > 0);
    }
}

TEST_CASE("session: stops at the first broken law", "[testing][session]") {
    ground g;
    specimen heap(g.upstream(), tests::bug::owns_nothing);
    ledger log;
    const claims<specimen> stated;
    session s(heap, g, stated, log);
    s.play(random_script(1, 50));
    s.finish();
    REQUIRE(log.violations().size() == 1);
    CHECK(log.violations()[0].broken == law::ownership);
}
