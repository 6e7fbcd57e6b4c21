#include "ashlar/strategy/buddy.hpp"
#include "support/compositions.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    explicit base(ground& g) : it(g.upstream(), 1 << 14) {}
    auto& top() { return it; }
    buddy<ground_heap> it;
};
[[maybe_unused]] const bool said = compositions<base, 2>::say("buddy");
}  // namespace

TEST_CASE("compositions: each adaptor on buddy keeps the laws", "[compose][compositions]") {
    compositions<base, 2>::singles("buddy");
}

TEST_CASE("compositions: its share of the pairs of adaptors on buddy keeps the laws", "[compose][compositions]") {
    compositions<base, 2>::pairs("buddy");
}
