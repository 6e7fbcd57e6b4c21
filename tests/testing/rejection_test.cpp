#include "ashlar/testing/rejection.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;
using tests::bug;
using tests::specimen;

#if ASHLAR_CHECKS >= 1
TEST_CASE("rejection: every misuse is reported by validated, on any allocator", "[testing][rejection]") {
    ledger log;
    check_rejection([](ground& g) { return specimen(g.upstream(), bug::ignores_misuse); }, false, log);
    CHECK(log.clean());
    CHECK(log.checks(law::rejection) == 12);
}

TEST_CASE("rejection: an allocator that only says that it reports misuse is found out", "[testing][rejection]") {
    ledger log;
    check_rejection([](ground& g) { return specimen(g.upstream(), bug::ignores_misuse); }, true, log);
    CHECK(log.broke(law::rejection));
    ledger good;
    check_rejection([](ground& g) { return specimen(g.upstream()); }, true, good);
    CHECK(good.clean());
}
#endif
