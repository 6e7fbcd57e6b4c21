#include "ashlar/strategy/segregated.hpp"
#include "support/compositions.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    explicit base(ground& g) : it(g.upstream()) {}
    auto& top() { return it; }
    segregated<ground_heap> it;
};
[[maybe_unused]] const bool said = compositions<base, 3>::say("segregated");
}  // namespace

TEST_CASE("compositions: each adaptor on segregated keeps the laws", "[compose][compositions]") {
    compositions<base, 3>::singles("segregated");
}

TEST_CASE("compositions: its share of the pairs of adaptors on segregated keeps the laws", "[compose][compositions]") {
    compositions<base, 3>::pairs("segregated");
}
