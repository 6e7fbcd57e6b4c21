#include "ashlar/testing/run.hpp"

#include <catch2/catch.hpp>

#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;
using tests::bug;
using tests::specimen;

namespace {
auto maker(bug b) {
    return [b](ground& g) { return specimen(g.upstream(), b); };
}
}  // namespace

TEST_CASE("run: a life without a bug is clean, its end included", "[testing][run]") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const outcome o = run(maker(bug::none), {}, random_script(seed, 60));
        REQUIRE(o.log.clean());
        CHECK_FALSE(o.refusal_reached);
    }
}

TEST_CASE("run: a planned refusal is reached and told", "[testing][run]") {
    circumstances given;
    given.refuse_at = 1;
    std::vector<std::string> told;
    const outcome o = run(maker(bug::none), {}, {act{}}, given, &told);
    CHECK(o.refusal_reached);
    CHECK(o.log.clean());
    REQUIRE(!told.empty());
    CHECK(told[0] == "with upstream request 1 refused once");
}

TEST_CASE("run: a counter-example shrinks to the acts that matter", "[testing][run]") {
    const auto fails = [](const script& s) { return run(maker(bug::zeroed_but_the_last_byte), {}, s).log.broke(law::zeroing); };
    script found;
    for (std::uint64_t seed = 0; found.empty(); ++seed) {
        if (fails(random_script(seed, 60))) found = random_script(seed, 60);
    }
    const script least = shrink(found, fails);
    REQUIRE(least.size() == 1);
    CHECK(kind_of(least[0]) == act_kind::allocate_zeroed);
    CHECK(least[0].size == 0);
    CHECK(fails(least));
}
