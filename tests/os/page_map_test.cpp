#include <catch2/catch.hpp>

#include <memory>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/os/page_map.hpp"

using namespace ashlar::os;

namespace {
struct record {
    int number;
};
constexpr record seven{7}, fortytwo{42};
using map_type = page_map<record>;
std::byte* at(std::uintptr_t address) { return reinterpret_cast<std::byte*>(address); }
}  // namespace

TEST_CASE("page_map: what is not recorded is found as a record of zeros, whatever the address", "[os][page_map]") {
    const auto map = std::make_unique<map_type>();
    for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{1}, std::uintptr_t{0x7fffffffffff},
                                         ~std::uintptr_t{0}, reinterpret_cast<std::uintptr_t>(&map)}) {
        CHECK(map->find(address)->number == 0);  // page_map.I1
    }
}

TEST_CASE("page_map: every address of the recorded slices is found, and none beside them", "[os][page_map]") {
    failing_pages<> pages;
    const auto map = std::make_unique<map_type>();
    const std::uintptr_t first = 0x1234'5678'0000;
    REQUIRE(map->set(pages, at(first), 3, &fortytwo));
    CHECK(map->find(first)->number == 42);
    CHECK(map->find(first + 3 * slice_size - 1)->number == 42);
    CHECK(map->find(first - 1)->number == 0);
    CHECK(map->find(first + 3 * slice_size)->number == 0);
    map->clear(at(first), 2);
    CHECK(map->find(first)->number == 0);
    CHECK(map->find(first + 2 * slice_size)->number == 42);
    map->destroy(pages);
    CHECK(pages.balanced());
}

TEST_CASE("page_map: a range over the border of two leaves is recorded in both or in none", "[os][page_map]") {
    failing_pages<> pages;
    const auto map = std::make_unique<map_type>();
    const std::uintptr_t border = 0x1235'0000'0000;
    pages.fail(page_call::reserve, 2);
    CHECK_FALSE(map->set(pages, at(border - slice_size), 2, &seven));
    CHECK(map->find(border - 1)->number == 0);
    pages.heal();
    REQUIRE(map->set(pages, at(border - slice_size), 2, &seven));
    CHECK(map->find(border - 1)->number == 7);
    CHECK(map->find(border)->number == 7);
    map->clear(at(border - slice_size), 2);
    const std::uintptr_t unknown = 0x7000'0000'0000;  // still leads to the empty leaf: page_map.I2
    CHECK(map->find(unknown + (border & 0xffffffff))->number == 0);
    map->destroy(pages);
    CHECK(pages.balanced());
}

TEST_CASE("page_map: a refused commit gives the reservation back", "[os][page_map]") {
    failing_pages<> pages;
    const auto map = std::make_unique<map_type>();
    pages.fail(page_call::commit, 1);
    CHECK_FALSE(map->set(pages, at(0x10000), 1, &seven));
    CHECK(pages.balanced());
    CHECK_FALSE(map->set(pages, at(std::uintptr_t{1} << 48), 1, &seven));  // beyond what it covers
}
