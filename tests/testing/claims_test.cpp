#include "ashlar/testing/claims.hpp"

#include <catch2/catch.hpp>

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("claims: nothing is claimed unless it is said", "[testing][claims]") {
    const claims<int> none;
    CHECK_FALSE(none.serves);
    CHECK_FALSE(none.last_in_first_out);
    CHECK_FALSE(none.reports_misuse);
    for (const auto& reason : none.excused) CHECK(reason.empty());
}

TEST_CASE("claims: each statement sets what it says", "[testing][claims]") {
    claims<int> c;
    serves([](const int& limit, block run, layout l) { return run.size >= l.size() + static_cast<std::size_t>(limit); })(c);
    last_in_first_out()(c);
    reports_misuse()(c);
    excuse(law::reset, "it keeps its first page")(c);
    CHECK(c.serves(8, block{nullptr, 24}, *layout::make(16, 8)));
    CHECK_FALSE(c.serves(8, block{nullptr, 23}, *layout::make(16, 8)));
    CHECK(c.last_in_first_out);
    CHECK(c.reports_misuse);
    CHECK(c.excused[static_cast<std::size_t>(law::reset)] == "it keeps its first page");
}
