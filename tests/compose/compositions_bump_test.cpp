#include "support/compositions.hpp"
#include "support/some_strategies.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    static constexpr bool keeps_region = false;
    explicit base(ground& g) : it(g.buffer(60'000, 1)) {}
    auto& top() { return it; }
    bump it;
};
}  // namespace

TEST_CASE("compositions: each adaptor on bump keeps the laws", "[compose][compositions]") {
    compose_each<base>("bump", std::make_index_sequence<adaptor_count>());
}

TEST_CASE("compositions: its share of the pairs of adaptors on bump keeps the laws", "[compose][compositions]") {
    compose_pairs<base, 0>("bump", std::make_index_sequence<adaptor_count * adaptor_count>());
}
