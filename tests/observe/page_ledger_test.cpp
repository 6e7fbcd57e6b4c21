// Pages and lines are counted by the blocks in them.
#include "ashlar/observe/page_ledger.hpp"

#include <catch2/catch.hpp>

#include <map>

TEST_CASE("page_ledger: a page is held from its first live byte to its last", "[observe][page_ledger]") {
    ashlar::page_ledger ledger;
    CHECK(ledger.add(0x10000, 16));
    CHECK(ledger.add(0x10010, 16));
    CHECK(ledger.held_pages() == 1);
    ledger.remove(0x10000, 16);
    CHECK(ledger.held_pages() == 1);
    ledger.remove(0x10010, 16);
    CHECK(ledger.held_pages() == 0);
    CHECK(ledger.pages_ever() == 1);
}

TEST_CASE("page_ledger: a block across pages has its bytes in each", "[observe][page_ledger]") {
    ashlar::page_ledger ledger;
    CHECK(ledger.add(0x10ff0, 16 + 4096 + 100));
    CHECK(ledger.held_pages() == 3);
    std::map<std::uint64_t, std::uint64_t> live;
    ledger.for_each([&](std::uint64_t page, std::uint64_t bytes) { live[page] = bytes; });
    CHECK(live == std::map<std::uint64_t, std::uint64_t>{{0x10, 16}, {0x11, 4096}, {0x12, 100}});
}

TEST_CASE("page_ledger: a line counts once, however many blocks lie in it", "[observe][page_ledger]") {
    ashlar::page_ledger ledger;
    CHECK(ledger.add(0x10000, 1));
    CHECK(ledger.add(0x1003f, 2));  // the last byte of the first line and the first of the second
    CHECK(ledger.lines_ever() == 2);
    ledger.remove(0x10000, 1);
    CHECK(ledger.add(0x10000, 4096));
    CHECK(ledger.lines_ever() == 64);
}

TEST_CASE("page_ledger: it grows as far as it must, and a block taken out of it leaves the others", "[observe][page_ledger]") {
    ashlar::page_ledger ledger;
    for (std::uint64_t i = 0; i < 100'000; ++i) REQUIRE(ledger.add(i * 4096 * 3 + 8, 8));
    CHECK(ledger.held_pages() == 100'000);
    for (std::uint64_t i = 0; i < 100'000; i += 2) ledger.remove(i * 4096 * 3 + 8, 8);
    CHECK(ledger.held_pages() == 50'000);
    CHECK(!ledger.full());
}
