#include "support/compositions.hpp"
#include "support/some_strategies.hpp"

using namespace ashlar;
using namespace ashlar::tests;

namespace {
struct base {
    static constexpr bool keeps_region = true;
    explicit base(ground& g) : it(g.upstream(), 1 << 14) {}
    auto& top() { return it; }
    buddy<ground_heap> it;
};
}  // namespace

TEST_CASE("compositions: each adaptor on buddy keeps the laws", "[compose][compositions]") {
    compose_each<base>("buddy", std::make_index_sequence<adaptor_count>());
}

TEST_CASE("compositions: its share of the pairs of adaptors on buddy keeps the laws", "[compose][compositions]") {
    compose_pairs<base, 2>("buddy", std::make_index_sequence<adaptor_count * adaptor_count>());
}
