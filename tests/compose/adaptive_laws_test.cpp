// adaptive under every law, on candidates of small chunks, with judges that change their minds as often as they may.
#include <catch2/catch.hpp>

#include "ashlar/compose/adaptive.hpp"
#include "ashlar/strategy/arena.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "ashlar/strategy/pool.hpp"
#include "support/erased_laws.hpp"

using namespace ashlar;

namespace {
template <class U>
struct cursor : arena<U> {
    explicit cursor(ref<U> upstream) noexcept : arena<U>(upstream, {.first_chunk = 1024, .growth = 1}) {}
};
template <class U>
struct blocks_of_64 : pool<64, 16, U> {
    explicit blocks_of_64(ref<U> upstream) noexcept : pool<64, 16, U>(upstream, {1024, 4096}) {}
};
template <class U>
struct heap : free_list<best_fit, U> {
    explicit heap(ref<U> upstream) noexcept : free_list<best_fit, U>(upstream, 4096) {}
};

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
