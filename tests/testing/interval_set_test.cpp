#include "ashlar/testing/interval_set.hpp"

#include <bitset>
#include <catch2/catch.hpp>

#include "ashlar/testing/script.hpp"

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("interval_set: ranges that touch become one range", "[testing][interval_set]") {
    interval_set s;
    s.insert({10, 20});
    s.insert({30, 40});
    CHECK(s.count() == 2);
    s.insert({20, 30});
    CHECK(s.count() == 1);
    CHECK(s.around(25) == range{10, 40});
    s.erase({15, 35});
    CHECK(s.count() == 2);
    CHECK(s.bytes() == 10);
}

TEST_CASE("interval_set: agrees with a bit for each address", "[testing][interval_set]") {
    constexpr std::size_t n = 96;
    dice d(3);
    interval_set s, other;
    std::bitset<n> bits, other_bits;
    for (int i = 0; i < 5000; ++i) {
        const address a = d.roll() % n;
        const address b = a + d.roll() % (n - a + 1);
        const bool adds = d.roll() % 2 == 0;
        auto& set = d.roll() % 2 == 0 ? s : other;
        auto& model = &set == &s ? bits : other_bits;
        adds ? set.insert({a, b}) : set.erase({a, b});
        for (address at = a; at < b; ++at) model[at] = adds;

        bool all = true, any = false, one_range = true;
        for (address at = a; at < b; ++at) {
            all = all && bits[at];
            any = any || bits[at];
        }
        REQUIRE(s.contains({a, b}) == all);
        REQUIRE(s.meets({a, b}) == any);
        REQUIRE(s.bytes() == bits.count());
        address last = 0;
        bool first = true;
        s.for_each([&](range r) {  // interval_set.I1
            one_range = one_range && r.size() != 0 && (first || r.begin > last);
            last = r.end;
            first = false;
        });
        REQUIRE(one_range);
        REQUIRE(common(s, other).bytes() == (bits & other_bits).count());
    }
}

TEST_CASE("interval_set: a run is found where it is aligned and long enough", "[testing][interval_set]") {
    interval_set s(range{65, 128});
    CHECK(holds_run(s, *layout::make(48, 16)));
    CHECK_FALSE(holds_run(s, *layout::make(49, 16)));
    CHECK_FALSE(holds_run(s, *layout::make(1, 64)));
    CHECK(place_in({65, 128}, *layout::make(16, 32)) == range{96, 112});
    CHECK(place_in({UINTPTR_MAX - 4, UINTPTR_MAX}, *layout::make(8, 16)).size() == 0);
}
