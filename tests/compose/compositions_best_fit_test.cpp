#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "support/compositions.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    explicit base(ground& g) : it(g.upstream(), 4096) {}
    auto& top() { return it; }
    free_list<best_fit, ground_heap> it;
};
[[maybe_unused]] const bool said = compositions<base, 1>::say("best_fit");
}  // namespace

TEST_CASE("compositions: each adaptor on best_fit keeps the laws", "[compose][compositions]") {
    compositions<base, 1>::singles("best_fit");
}

TEST_CASE("compositions: its share of the pairs of adaptors on best_fit keeps the laws", "[compose][compositions]") {
    compositions<base, 1>::pairs("best_fit");
}
