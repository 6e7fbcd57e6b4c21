#include "ashlar/strategy/bump.hpp"
#include "support/compositions.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    explicit base(ground& g) : it(g.buffer(60'000, 1)) {}
    auto& top() { return it; }
    bump it;
};
[[maybe_unused]] const bool said = compositions<base, 0>::say("bump");
}  // namespace

TEST_CASE("compositions: each adaptor on bump keeps the laws", "[compose][compositions]") {
    compositions<base, 0>::singles("bump");
}

TEST_CASE("compositions: its share of the pairs of adaptors on bump keeps the laws", "[compose][compositions]") {
    compositions<base, 0>::pairs("bump");
}
