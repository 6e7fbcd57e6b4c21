#include "ashlar/testing/law.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace ashlar::testing;

TEST_CASE("law: every law has a key, a name and a sentence of its own", "[testing][law]") {
    std::set<std::string_view> keys, names;
    for (const law_text& t : law_texts) {
        keys.insert(t.key);
        names.insert(t.name);
        CHECK(t.sentence.size() > 20);
    }
    CHECK(keys.size() == law_count);
    CHECK(names.size() == law_count);
    CHECK(text_of(law::completeness).key == "C4");
    CHECK(text_of(law::contracts).name == "contracts");
}

TEST_CASE("law: the ledger keeps the first way in which each law was broken", "[testing][law]") {
    ledger log;
    CHECK(log.check(law::frame, true, "not told"));
    CHECK_FALSE(log.check(law::frame, false, "first"));
    log.check(law::frame, false, "second");
    CHECK(log.checks(law::frame) == 3);
    REQUIRE(log.violations().size() == 1);
    CHECK(log.violations()[0].what == "first");
    ledger total;
    total.add(log);
    total.add(log);
    CHECK(total.checks(law::frame) == 6);
    CHECK(total.violations().size() == 1);
}

TEST_CASE("law: an excused law is counted and never broken", "[testing][law]") {
    ledger log;
    log.excuse(law::reset);
    log.check(law::reset, false, "excused");
    CHECK(log.clean());
    CHECK(log.checks(law::reset) == 1);
}
