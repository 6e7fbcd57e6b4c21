#include "ashlar/strategy/free_list_region.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/strategy/bump.hpp"

using namespace ashlar;

namespace {

/// Memory for a region or two, at an address that no alignment above 16 helps.
struct buffer {
    explicit buffer(std::size_t size, std::byte held = {}) : bytes(size + 64, held), upstream(block{bytes.data(), bytes.size()}) {}
    std::vector<std::byte> bytes;
    bump upstream;
};

}  // namespace

TEST_CASE("free_list_region: a fresh region is empty between its border map and its end",
          "[strategy][free_list_region]") {
    buffer b(8192);
    const fit_request wanted{64, 16, 48};
    free_list_region* const r = free_list_region::obtain(b.upstream, wanted, 4096);
    REQUIRE(r != nullptr);
    CHECK(is_aligned(r->first, 16));  // free_list_region.I1
    CHECK(r->column(r->first) == 1);
    CHECK(r->at(r->columns() + 1) == r->end());
    CHECK(r->borders().next_start(1) == r->columns() + 1);
    CHECK(r->holds(r->first));
    CHECK(r->holds(r->end() - 1));
    CHECK_FALSE(r->holds(r->end()));
    CHECK_FALSE(r->holds(r->begin()));
    CHECK(r->size() == 4096);
    r->give_back(b.upstream);
    CHECK(b.upstream.room() == b.upstream.capacity());
}

TEST_CASE("free_list_region: the least region for a request fits it, at every alignment", "[strategy][free_list_region]") {
    for (std::size_t align = 16; align <= 4096; align *= 2) {
        for (const std::size_t need : {std::size_t{48}, std::size_t{64}, std::size_t{1008}, std::size_t{8000}}) {
            const fit_request wanted{need, align, 48};
            const auto least = free_list_region::layout_for(wanted, 0);
            REQUIRE(least);
            buffer b(least->size() + align);
            free_list_region* const r = free_list_region::obtain(b.upstream, wanted, least->size());
            REQUIRE(r != nullptr);
            CHECK(wanted.fits(*::new (r->first) free_block(r->span)));  // free_list_region.I2
        }
    }
}

TEST_CASE("free_list_region: where the usual size is refused the least one is asked for", "[strategy][free_list_region]") {
    buffer b(1024);
    free_list_region* const r = free_list_region::obtain(b.upstream, {128, 16, 48}, 4096);
    REQUIRE(r != nullptr);
    CHECK(r->size() < 512);
    CHECK(free_list_region::obtain(b.upstream, {2048, 16, 48}, 4096) == nullptr);
}

TEST_CASE("free_list_region: a request that passes the greatest layout has no region", "[strategy][free_list_region]") {
    const fit_request wanted{static_cast<std::size_t>(PTRDIFF_MAX) - 16, 16, 48};
    CHECK_FALSE(free_list_region::layout_for(wanted, 0));
}

TEST_CASE("free_list_region: the map of a region is empty whatever its memory held", "[strategy][free_list_region]") {
    buffer b(8192, std::byte{0xff});
    free_list_region* const r = free_list_region::obtain(b.upstream, {64, 16, 48}, 4096);
    REQUIRE(r != nullptr);
    for (std::size_t at = 0; at <= r->columns(); ++at) REQUIRE((!r->borders().is_start(at) && !r->borders().is_free(at)));
    CHECK(r->borders().is_start(r->columns() + 1));
    CHECK_FALSE(r->borders().is_free(r->columns() + 1));
}
