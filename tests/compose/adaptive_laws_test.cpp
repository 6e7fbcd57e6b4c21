// adaptive under every law, on candidates of small chunks, with judges that change their minds as often as they may.
#include <catch2/catch.hpp>

#include "ashlar/compose/adaptive.hpp"
#include "support/erased_laws.hpp"
#include "support/small_candidates.hpp"

using namespace ashlar;

namespace {
using test_candidates::blocks_of_64;
using test_candidates::cursor;
using test_candidates::heap;

template <std::size_t N>
struct restless {  // whoever is active is the dearest
    candidate_costs<N> operator()(const usage& seen) const noexcept {
        candidate_costs<N> costs{};
        for (std::size_t i = 0; i < N; ++i) costs[i] = static_cast<std::uint32_t>(100 + (N + i - seen.active) % N);
        costs[seen.active] = 1000;
        return costs;
    }
};
constexpr adaptive_options at_once{.window = 3, .watched = 1, .allowance = 0, .change = {.least_stay = 1, .price = 0}};

using upstream = testing::ground::upstream_type;
using three = adaptive<restless<3>, apportioned<3, upstream, 32768>, blocks_of_64, cursor, heap>;
using two = adaptive<restless<2>, apportioned<2, upstream, 65536>, cursor, heap>;

template <class A>
struct made {
    explicit made(testing::ground& g) : it(g.upstream(), at_once) {}
    auto& top() { return it; }
    A it;
};
}  // namespace

ASHLAR_ENROL_ERASED("adaptive", [](testing::ground& g) { return made<three>(g); });
ASHLAR_ENROL_ERASED("adaptive, of two", [](testing::ground& g) { return made<two>(g); });

TEST_CASE("adaptive: the laws are tried while it changes again and again", "[compose][adaptive]") {
    testing::ground g;
    three a(g.upstream(), at_once);
    for (int i = 0; i < 2000; ++i) {
        const layout l = *layout::make(static_cast<std::size_t>(1 + i % 200), 8);
        const auto granted = a.allocate(l);
        REQUIRE(granted);
        a.deallocate(granted->data, l);
    }
    CHECK(a.changes() > 15);
}
