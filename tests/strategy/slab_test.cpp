#include "ashlar/strategy/slab.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
using checked_pages = page<os::failing_pages<>>;
using small = slab<1000, 8, checked_pages>;
}  // namespace

TEST_CASE("slab: a slab holds whole blocks at their alignment, behind its header", "[strategy][slab]") {
    static_assert(slab<16>::slab_bytes == 16384 && slab<16>::blocks_per_slab == 952);  // 960 bytes of colours, a header, 15 words of bits
    static_assert(slab<4096>::slab_bytes == 262144 && slab<4096>::blocks_per_slab == 62 && slab<1024, 16>::block_size == 1088);
    slab<70, 64> blocks;
    std::set<std::byte*> seen;
    for (int i = 0; i < 400; ++i) {
        const auto b = *blocks.allocate(of(70, 64));
        REQUIRE(is_aligned(b.data, 64));
        REQUIRE(seen.insert(b.data).second);
    }
    slab<8192, 8192> huge_alignment;  // above a page
    CHECK(is_aligned(huge_alignment.allocate(of(5000, 8192))->data, 8192));
}

TEST_CASE("slab: a slab goes back when its last block does, but for those that are kept", "[strategy][slab]") {
    for (const std::size_t keep : {0u, 1u, 3u}) {
        os::failing_pages<> pages;
        {
            checked_pages upstream{ref(pages)};
            small blocks(upstream, keep);
            std::vector<block> live;
            while (blocks.slabs() < 6) live.push_back(*blocks.allocate(of(1000)));
            for (const block& b : live) {
                blocks.deallocate(b.data, of(1000));
                REQUIRE(blocks.consistent());
            }
            CHECK(blocks.slabs() == keep + 1);  // and the current one
            CHECK(blocks.empty_slabs() == keep);
            for (std::size_t i = 0; i < small::blocks_per_slab + 5; ++i) REQUIRE(blocks.allocate(of(1000)));
            CHECK(blocks.slabs() == (keep < 1 ? 2 : keep + 1));
        }
        CHECK(pages.balanced());
    }
}

TEST_CASE("slab: fills the slabs that are in part used before it asks for another", "[strategy][slab]") {
    slab<1000> blocks;
    std::vector<block> live;
    while (blocks.slabs() < 5) live.push_back(*blocks.allocate(of(1000)));
    std::set<std::byte*> given_back;
    for (std::size_t i = 0; i < live.size() - 1; i += 3) {
        blocks.deallocate(live[i].data, of(1000));
        given_back.insert(live[i].data);
    }
    for (std::size_t i = 0; i < given_back.size(); ++i) {
        const auto b = *blocks.allocate(of(1000));
        if (given_back.count(b.data) == 0 && !(b.data > live.back().data)) FAIL("not from a slab in use");
    }
    CHECK(blocks.slabs() == 5);
    CHECK(blocks.consistent());
}

TEST_CASE("slab: the first blocks of successive slabs begin in different cache lines", "[strategy][slab]") {
    slab<1000> blocks;
    std::set<std::uintptr_t> offsets;
    for (int i = 0; i < 600; ++i) {
        const auto at = reinterpret_cast<std::uintptr_t>(blocks.allocate(of(1000))->data) % slab<1000>::slab_bytes;
        if (at < 1060) offsets.insert(at);  // the second block of a slab begins behind that
    }
    CHECK(offsets.size() >= 3);
}

TEST_CASE("slab: serves random traces, and trim gives every slab back at the end", "[strategy][slab]") {
    for (unsigned seed = 0; seed < 4; ++seed) {
        os::failing_pages<> pages;
        checked_pages upstream{ref(pages)};
        slab<900, 16, checked_pages> blocks(upstream);
        support::random_trace trace(blocks, seed, {.steps = 2000, .largest = 912, .align_exponents = 5});
        std::size_t step = 0;
        trace.run([&] {
            if (++step % 16 == 0) REQUIRE(blocks.consistent());
            if (step % 500 == 0) blocks.trim();
        });
        trace.free_all();
        CHECK(blocks.consistent());
        blocks.trim();
        CHECK(blocks.slabs() == 0);
        CHECK(pages.balanced());
        CHECK(blocks.allocate(of(100)));  // and it goes on
        blocks.reset();
        CHECK(pages.balanced());
        CHECK(blocks.consistent());
    }
}

TEST_CASE("slab: a refused slab is a refusal and changes nothing", "[strategy][slab]") {
    os::failing_pages<> pages;
    {
        checked_pages upstream{ref(pages)};
        small blocks(upstream);
        pages.fail(1, os::lasting::onwards);
        CHECK_FALSE(blocks.allocate(of(100)));
        CHECK(blocks.slabs() == 0);
        pages.heal();
        CHECK(blocks.allocate(of(100)));
        pages.fail(1, os::lasting::onwards);
        for (std::size_t i = 1; i < small::blocks_per_slab; ++i) REQUIRE(blocks.allocate(of(100)));
        CHECK_FALSE(blocks.allocate(of(100)));
        CHECK_FALSE(blocks.allocate(of(1001)));
        CHECK_FALSE(blocks.allocate(of(layout::max_size)));
        CHECK(blocks.consistent());
        pages.heal();
        CHECK(blocks.allocate(of(100)));
    }
    CHECK(pages.balanced());
}

TEST_CASE("slab: a double, interior, foreign or ill-fitting free breaks the contract", "[strategy][slab]") {
    slab<64, 16> blocks;
    const auto x = *blocks.allocate(of(64)), y = *blocks.allocate(of(64));
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { blocks.deallocate(p, l); }).empty();
    };
    alignas(16) std::byte other[64];
    CHECK(refuses(other, of(64)));
    CHECK(refuses(nullptr, of(64)));
    CHECK(refuses(x.data + 16, of(16)));
    CHECK(refuses(x.data, of(65)));
    CHECK(refuses(x.data + 8, of(16)));
    CHECK_FALSE(blocks.is_live(x.data + 8));
    CHECK_FALSE(blocks.is_live(other));
    CHECK(refuses(x.data, of(64, 32)));
    blocks.deallocate(x.data, of(64));
    CHECK(refuses(x.data, of(64)));
    CHECK(blocks.is_live(y.data));
    CHECK_FALSE(blocks.is_live(x.data));
    CHECK_FALSE(blocks.is_live(y.data + 64));
    blocks.deallocate(y.data, of(64));
#if ASHLAR_CHECKS >= 2
    CHECK(refuses(x.data, of(64)));  // not the one freed last
#endif
    CHECK_FALSE(broken_contract([&] { static_cast<void>(blocks.allocate(of(0))); }).empty());
    CHECK(blocks.consistent());
}

namespace {
// A free run serves a layout when that fits a block.
const auto fits_a_block = testing::serves([](const auto&, block run, layout l) {
    return l.size() <= 544 && l.align() <= 16 && run.size >= 544;
});
}  // namespace

ASHLAR_ENROL("slab, none kept", [](testing::ground& g) {
    return slab<512, 16, testing::ground::upstream_type>(g.upstream(), 0);
}, fits_a_block);

TEST_CASE("slab: it owns the bytes of its slab, and not the one behind them", "[strategy][slab]") {
    slab<16> blocks;
    const auto b = *blocks.allocate(of(16));
    const std::byte *first = b.data, *end = b.data;
    while (blocks.owns(first - 1)) --first;
    while (blocks.owns(end)) ++end;
    CHECK(end - first == slab<16>::slab_bytes);
}
