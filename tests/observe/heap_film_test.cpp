// Frames of a heap whose blocks lie where the test says.
#include "ashlar/observe/heap_film.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <type_traits>

namespace {

std::map<std::uint64_t, std::uint64_t> cells(const ashlar::heap_film::frame& f) {
    std::map<std::uint64_t, std::uint64_t> all;
    for (std::uint32_t i = 0; i < f.count; ++i) CHECK(all.emplace(f.cells[i].number, f.cells[i].live).second);  // heap_film.I1
    return all;
}

}  // namespace

static_assert(std::is_trivially_copyable_v<ashlar::heap_film>);

TEST_CASE("heap_film: a frame has the live bytes of each page, and pages that were used before as empty", "[observe][heap_film]") {
    const auto film = std::make_unique<ashlar::heap_film>();
    ashlar::page_ledger pages;
    pages.add(0x10000, 100);
    film->add(pages, 1);
    pages.add(0x20000, 4096);
    pages.remove(0x10000, 100);
    film->add(pages, 3);
    REQUIRE(film->frames() == 2);
    CHECK(film->cell_bits() == 0);
    CHECK(cells(film->at(0)) == std::map<std::uint64_t, std::uint64_t>{{0x10, 100}});
    CHECK(cells(film->at(1)) == std::map<std::uint64_t, std::uint64_t>{{0x10, 0}, {0x20, 4096}});
    CHECK(film->at(1).steps == 3);
}

TEST_CASE("heap_film: too many cells are joined in pairs, in the frames before too, and no byte is lost", "[observe][heap_film]") {
    const auto film = std::make_unique<ashlar::heap_film>();
    ashlar::page_ledger pages;
    pages.add(0, 4 * 4096);
    film->add(pages, 1);
    pages.add(4 * 4096, 3000 * 4096);
    film->add(pages, 2);
    CHECK(film->cell_bits() == 2);
    CHECK(cells(film->at(0)) == std::map<std::uint64_t, std::uint64_t>{{0, 4 * 4096}});
    const auto later = cells(film->at(1));
    CHECK(later.size() == 751);
    CHECK(later.at(750) == 4 * 4096);
}

TEST_CASE("heap_film: it ends with its last frame", "[observe][heap_film]") {
    const auto film = std::make_unique<ashlar::heap_film>();
    const ashlar::page_ledger pages;
    for (std::uint64_t i = 0; i < 100; ++i) film->add(pages, i);
    CHECK(film->frames() == ashlar::heap_film::frame_limit);
    CHECK(film->at(63).steps == 63);
}
