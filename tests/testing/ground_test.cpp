#include "ashlar/testing/ground.hpp"

#include <catch2/catch.hpp>

#include "support/enrol.hpp"

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("ground: a grant is no more aligned than was asked, and no two touch", "[testing][ground]") {
    source s(std::size_t{1} << 22, placement::lowest);
    interval_set all;
    std::size_t n = 0;
    for (std::size_t align = 1; align <= source::slot; align *= 2) {
        const layout l = *layout::make(100, align);
        const auto b = s.allocate(l);
        REQUIRE(b);
        const address begin = address_of(b->data);
        CHECK(begin % align == 0);
        CHECK((align == source::slot || begin % (2 * align) != 0));  // ground.I2
        all.insert(range_of(*b));
        CHECK(all.count() == ++n);  // ground.I1
    }
    CHECK(s.held() == all);
    CHECK_FALSE(s.allocate(*layout::make(1, 2 * source::slot)).has_value());
}

TEST_CASE("ground: what is available is granted and what is not is refused", "[testing][ground]") {
    source s(10000, placement::highest);
    const layout l = *layout::make(6000, 8);
    CHECK(s.available(l));
    const auto b = s.allocate(l);
    REQUIRE(b);
    CHECK_FALSE(s.available(l));
    CHECK_FALSE(s.allocate(l).has_value());
    s.deallocate(b->data, l);
    CHECK(s.available(l));
    CHECK_FALSE(s.available(*layout::make(layout::max_size, 1)));
}

TEST_CASE("ground: sees writes before, past and after its grants", "[testing][ground]") {
    const layout l = *layout::make(100, 8);
    const auto damage = [&](auto harm) {
        source s(10000, placement::lowest);
        const auto b = s.allocate(l);
        REQUIRE(b);
        CHECK_FALSE(s.damage().has_value());
        harm(s, b->data);
        return s.damage().value_or("");
    };
    CHECK(damage([](source&, std::byte* p) { p[-1] = std::byte{}; }) == "wrote before the beginning of its memory");
    CHECK(damage([](source&, std::byte* p) { p[100] = std::byte{}; }) == "wrote past the end of its memory");
    CHECK(damage([&](source& s, std::byte* p) { s.deallocate(p, l); p[3] = std::byte{}; }) ==
          "wrote into memory that it had given back");
    CHECK(damage([&](source& s, std::byte* p) { s.deallocate(p + 1, l); }) ==
          "memory was given back to the upstream wrongly: only the start of a live block is given back");
    CHECK(damage([](source&, std::byte* p) { p[0] = p[99] = std::byte{}; }).empty());
}

TEST_CASE("ground: fresh memory is not zero", "[testing][ground]") {
    ground g;
    CHECK(g.buffer(64).data[0] != std::byte{});
}

TEST_CASE("ground: a plan reaches the upstream and every other source", "[testing][ground]") {
    ground g;
    std::size_t armed = 0, refused = 0;
    g.refuse(2, failure::once);
    g.watch({[&](std::size_t n, failure) { armed = n; }, [&] { return refused; }});
    CHECK(armed == 2);
    CHECK(g.upstream().allocate(layout::of<int>()).has_value());
    CHECK_FALSE(g.upstream().allocate(layout::of<int>()).has_value());
    refused = 3;
    CHECK(g.refusals() == 4);
    CHECK(g.still_held().has_value());
}

TEST_CASE("ground: what it keeps ends with it", "[testing][ground]") {
    struct companion {
        int& ended;
        explicit companion(int& e) : ended(e) {}
        ~companion() { ++ended; }
    };
    int ended = 0;
    {
        ground g;
        g.keep<companion>(ended);
        CHECK(ended == 0);
    }
    CHECK(ended == 1);
}

namespace {
// The ground's upstream is itself an allocator, with the model for its books.
struct the_model {
    ground::upstream_type& upstream;
    result<block> allocate(layout l) noexcept { return upstream.allocate(l); }
    void deallocate(std::byte* p, layout l) noexcept { upstream.deallocate(p, l); }
    bool available(layout l) const noexcept { return upstream.available(l); }
    bool owns(const std::byte* p) const noexcept { return upstream.owns(p); }
};
}  // namespace

ASHLAR_ENROL("the model as an allocator", [](ground& g) { return the_model{g.upstream()}; });
