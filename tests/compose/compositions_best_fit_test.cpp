#include "support/compositions.hpp"
#include "support/some_strategies.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    static constexpr bool keeps_region = true;
    explicit base(ground& g) : it(g.upstream(), 4096) {}
    auto& top() { return it; }
    free_list<best_fit, ground_heap> it;
};
}  // namespace

TEST_CASE("compositions: each adaptor on best_fit keeps the laws", "[compose][compositions]") {
    compose_each<base>("best_fit", std::make_index_sequence<adaptor_count>());
}

TEST_CASE("compositions: its share of the pairs of adaptors on best_fit keeps the laws", "[compose][compositions]") {
    compose_pairs<base, 1>("best_fit", std::make_index_sequence<adaptor_count * adaptor_count>());
}
