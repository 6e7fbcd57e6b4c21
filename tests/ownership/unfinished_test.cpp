#include "ashlar/ownership/unfinished.hpp"

#include <catch2/catch.hpp>

#include "ledger.hpp"

using namespace ashlar;
using namespace owners;

TEST_CASE("unfinished: a block goes back unless it is kept", "[ownership][unfinished]") {
    ledger a;
    const auto l = layout::of<int>();
    { const unfinished_block<ledger> lost(a, a.allocate(l)->data, l); }
    CHECK(a.settled());
    std::byte* const kept = a.allocate(l)->data;
    {
        unfinished_block<ledger> block_of_it(a, kept, l);
        block_of_it.keep();
    }
    CHECK(a.live() == 1);
}

TEST_CASE("unfinished: whichever constructor throws, exactly the elements before it are destroyed",
          "[ownership][unfinished]") {
    for (int at = 1; at <= 5; ++at) {
        fragile::start(at);
        alignas(fragile) std::byte room[5 * sizeof(fragile)];
        CHECK_THROWS([&] { unfinished_elements<fragile>(room).fill(5); }());
        CHECK(fragile::made == at);
        CHECK(fragile::alive == 0);
    }
    fragile::start();
}

TEST_CASE("unfinished: elements that are kept stay alive", "[ownership][unfinished]") {
    fragile::start();
    alignas(fragile) std::byte room[3 * sizeof(fragile)];
    unfinished_elements<fragile> elements(room);
    elements.add(1);
    elements.fill(3, 7);
    fragile* const first = elements.keep();
    CHECK(fragile::alive == 3);
    CHECK(first[2].value == 7);
    unfinished_elements<fragile>::destroy_elements(first, 3);
    CHECK(fragile::alive == 0);
}
