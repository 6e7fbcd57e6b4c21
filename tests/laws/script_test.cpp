// The same scripts as properties: RapidCheck makes the bytes and shrinks them.
#include "ashlar/testing/script.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/buddy.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/testing/run.hpp"
#include "support/serves.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using namespace ashlar::testing;

namespace {
using upstream = ground::upstream_type;

template <class Factory>
bool kept(const Factory& make, const std::vector<std::uint8_t>& bytes, const claims<made_by<Factory>>& stated = {}) {
    return run(make, stated, decode(bytes)).log.clean();
}
}  // namespace

TEST_CASE("script: any bytes are a client under which best fit keeps the laws", "[laws][script]") {
    const auto make = [](ground& g) { return free_list<best_fit, upstream>(g.upstream(), 4096); };
    claims<made_by<decltype(make)>> stated;
    tests::serves_runs(16)(stated);
    CHECK(rc::check([&](const std::vector<std::uint8_t>& bytes) { RC_ASSERT(kept(make, bytes, stated)); }));
}

TEST_CASE("script: any bytes are a client under which the specimen keeps the laws", "[laws][script]") {
    const auto make = [](ground& g) { return tests::specimen(g.upstream()); };
    CHECK(rc::check([&](const std::vector<std::uint8_t>& bytes) { RC_ASSERT(kept(make, bytes)); }));
}

TEST_CASE("script: shrinking bytes finds the shortest client that shows a bug", "[laws][script]") {
    const auto make = [](ground& g) { return tests::specimen(g.upstream(), tests::bug::zeroed_but_the_last_byte); };
    std::vector<std::uint8_t> least;
    const bool unharmed = rc::check("(meant to be found)", [&](const std::vector<std::uint8_t>& bytes) {
        const bool good = kept(make, bytes);
        if (!good) least = bytes;
        RC_ASSERT(good);
    });
    CHECK_FALSE(unharmed);
    CHECK(least.size() == 1);  // one act: an allocate_zeroed
    CHECK(kind_of(decode(least)[0]) == act_kind::allocate_zeroed);
}
