#include "support/compositions.hpp"
#include "support/some_strategies.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    static constexpr bool keeps_region = true;
    explicit base(ground& g) : it(g.upstream()) {}
    auto& top() { return it; }
    segregated<ground_heap> it;
};
}  // namespace

TEST_CASE("compositions: each adaptor on segregated keeps the laws", "[compose][compositions]") {
    compose_each<base>("segregated", std::make_index_sequence<adaptor_count>());
}

TEST_CASE("compositions: its share of the pairs of adaptors on segregated keeps the laws", "[compose][compositions]") {
    compose_pairs<base, 3>("segregated", std::make_index_sequence<adaptor_count * adaptor_count>());
}
