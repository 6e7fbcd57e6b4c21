#include "ashlar/strategy/pool.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/strategy/bump.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
using checked_pages = page<os::failing_pages<>>;
struct odd {
    alignas(64) char bytes[70];
};
}  // namespace

TEST_CASE("pool: a block holds its type at its alignment, also where the size is no multiple of it",
          "[strategy][pool]") {
    static_assert(pool<1>::block_size == 8 && pool<24, 16>::block_size == 32 && pool<70, 64>::block_size == 128);
    static_assert(pool<256, 16>::block_size == 272 && pool<4096>::block_size == 4160 && pool<4096, 4096>::block_size == 4096);
    static_assert(pool_of<odd>::block_size == sizeof(odd) && pool_of<odd>::block_align == 64);
    pool<70, 64> blocks;
    for (int i = 0; i < 300; ++i) {
        const auto b = *blocks.allocate(of(70, 64));
        REQUIRE(is_aligned(b.data, 64));
        REQUIRE(b.size == 128);
    }
    pool<8192, 8192> huge_alignment;  // above a page
    CHECK(is_aligned(huge_alignment.allocate(of(5000, 8192))->data, 8192));
}

TEST_CASE("pool: the block given back last is granted next", "[strategy][pool]") {
    pool<48> blocks;
    const auto x = *blocks.allocate(of(48)), y = *blocks.allocate(of(48)), z = *blocks.allocate(of(40));
    CHECK(y.data == x.data + 48);  // side by side, without headers
    CHECK(z.data == y.data + 48);
    blocks.deallocate(z.data, of(40));
    blocks.deallocate(x.data, of(48));
    CHECK(blocks.allocate(of(48))->data == x.data);
    CHECK(blocks.allocate(of(48))->data == z.data);
    CHECK(blocks.consistent());
}

TEST_CASE("pool: what does not fit a block is refused and changes nothing", "[strategy][pool]") {
    pool<48, 16> blocks;
    for (const layout l : {of(49), of(1, 32), of(layout::max_size), of(1, std::size_t{1} << 62)}) {
        CHECK_FALSE(blocks.allocate(l));
    }
    CHECK(blocks.chunks() == 0);
    const auto b = *blocks.allocate(of(10));
    CHECK(blocks.grow_in_place(b.data, of(10), of(48))->size == 48);
    CHECK_FALSE(blocks.grow_in_place(b.data, of(48), of(49)));
    CHECK(blocks.shrink_in_place(b.data, of(48), of(1))->size == 48);
    blocks.deallocate(b.data, of(1));
}

TEST_CASE("pool: serves random traces, and trim gives every chunk back at the end", "[strategy][pool]") {
    for (unsigned seed = 0; seed < 4; ++seed) {
        os::failing_pages<> pages;
        checked_pages upstream{ref(pages)};
        pool<200, 16, checked_pages> blocks(upstream, {.first = 4096, .largest = 16384});
        support::random_trace trace(blocks, seed, {.steps = 2000, .largest = 208, .align_exponents = 5});
        std::size_t step = 0;
        trace.run([&] {
            if (++step % 64 == 0) REQUIRE(blocks.consistent());
            if (step % 500 == 0) blocks.trim();
        });
        trace.free_all();
        CHECK(blocks.consistent());
        blocks.trim();
        CHECK(blocks.chunks() == 0);
        CHECK(pages.balanced());
        CHECK(blocks.allocate(of(100)));  // and it goes on
    }
}

TEST_CASE("pool: trim gives back just the chunks without a live block, and what stays keeps its order",
          "[strategy][pool]") {
    pool<1024> blocks({.first = 8192, .largest = 8192});
    std::vector<block> live;
    while (blocks.chunks() < 4 || !support::free_ranges(blocks).empty()) live.push_back(*blocks.allocate(of(1024)));
    const std::size_t each = live.size() / 4;
    CHECK(each == 7);  // 1088 bytes apart
    const block kept = live[each];  // of the second chunk
    for (const block& b : live) {
        if (b.data != kept.data) blocks.deallocate(b.data, of(1024));
    }
    CHECK(blocks.chunks() == 4);
    blocks.trim();
    CHECK(blocks.chunks() == 1);
    CHECK(blocks.managed_bytes() == 8192);
    CHECK(blocks.owns(kept.data));
    CHECK_FALSE(blocks.owns(live[0].data));
    for (std::size_t i = each - 1; i != 0; --i) CHECK(blocks.allocate(of(1024))->data == live[each + i].data);
    CHECK(blocks.consistent());
}

TEST_CASE("pool: chunks double up to the largest, and begin small again after a trim", "[strategy][pool]") {
    pool<64> blocks({.first = 4096, .largest = 32768});
    std::vector<std::size_t> sizes;
    std::vector<block> live;
    for (std::size_t before = 0; sizes.size() < 7;) {
        live.push_back(*blocks.allocate(of(64)));
        if (blocks.managed_bytes() == before) continue;
        sizes.push_back(blocks.managed_bytes() - before);
        before = blocks.managed_bytes();
    }
    CHECK(sizes == std::vector<std::size_t>{4096, 4096, 8192, 16384, 32768, 32768, 32768});
    for (const block& b : live) blocks.deallocate(b.data, of(64));
    blocks.trim();
    CHECK(blocks.allocate(of(64)));
    CHECK(blocks.managed_bytes() == 4096);
}

TEST_CASE("pool: a bounded upstream is used up to its end, by smaller chunks where a large one is refused",
          "[strategy][pool]") {
    alignas(16) static std::byte bytes[10'000];
    bump buffer({bytes, sizeof bytes});
    pool<64, 16, bump> blocks(buffer, {.first = 1024, .largest = 65536});
    std::size_t granted = 0;
    while (true) {
        const bool foretold = blocks.available(of(64));
        if (blocks.allocate(of(64)).has_value() != foretold) FAIL("available was wrong");
        if (!foretold) break;
        ++granted;
    }
    CHECK(granted >= 125);  // 8000 bytes
    CHECK(buffer.room() < 1024 + 16);
    CHECK(blocks.consistent());
}

TEST_CASE("pool: a refused chunk is a refusal and changes nothing", "[strategy][pool]") {
    os::failing_pages<> pages;
    {
        checked_pages upstream{ref(pages)};
        pool<100, 8, checked_pages> blocks(upstream, {.first = 4096, .largest = 4096});
        pages.fail(1, os::lasting::onwards);
        CHECK_FALSE(blocks.allocate(of(100)));
        CHECK(blocks.chunks() == 0);
        pages.heal();
        std::size_t granted = 1;
        const auto b = blocks.allocate(of(100));
        pages.fail(1, os::lasting::onwards);
        while (blocks.allocate(of(100))) ++granted;
        CHECK(granted == (4096 - 48) / 104);
        blocks.deallocate(b->data, of(100));
        CHECK(blocks.allocate(of(100))->data == b->data);
        pages.heal();
    }
    CHECK(pages.balanced());
}

TEST_CASE("pool: reset ends the life of every block and gives the chunks back", "[strategy][pool]") {
    os::failing_pages<> pages;
    checked_pages upstream{ref(pages)};
    pool<32, 8, checked_pages> blocks(upstream);
    for (int i = 0; i < 3000; ++i) REQUIRE(blocks.allocate(of(32)));
    blocks.reset();
    CHECK(pages.balanced());
    CHECK(blocks.chunks() == 0);
    CHECK(blocks.allocate(of(32)));
    CHECK(blocks.consistent());
}

TEST_CASE("pool: is_live tells the beginnings of live blocks from all other addresses", "[strategy][pool]") {
    pool<40> blocks;
    const auto x = *blocks.allocate(of(40)), y = *blocks.allocate(of(40));
    CHECK((blocks.is_live(x.data) && blocks.is_live(y.data)));
    CHECK_FALSE(blocks.is_live(x.data + 8));
    CHECK_FALSE(blocks.is_live(y.data + 40));      // free
    CHECK_FALSE(blocks.is_live(x.data + 40 * 200));  // not yet carved
    CHECK_FALSE(blocks.is_live(nullptr));
    blocks.deallocate(x.data, of(40));
    CHECK_FALSE(blocks.is_live(x.data));
    CHECK(blocks.is_live(y.data));
}

TEST_CASE("pool: a double, interior, foreign or ill-fitting free breaks the contract", "[strategy][pool]") {
    pool<64, 16> blocks;
    const auto x = *blocks.allocate(of(64)), y = *blocks.allocate(of(64));
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { blocks.deallocate(p, l); }).empty();
    };
    alignas(16) std::byte other[64];
    CHECK(refuses(other, of(64)));
    CHECK(refuses(nullptr, of(64)));
    CHECK(refuses(x.data + 8, of(64)));
    CHECK(refuses(x.data, of(65)));
    CHECK(refuses(x.data, of(64, 32)));
    blocks.deallocate(x.data, of(64));
    CHECK(refuses(x.data, of(64)));
#if ASHLAR_CHECKS >= 2
    CHECK(refuses(y.data + 16, of(16)));
    blocks.deallocate(y.data, of(64));
    CHECK(refuses(x.data, of(64)));  // not the one freed last
#else
    blocks.deallocate(y.data, of(64));
#endif
    CHECK_FALSE(broken_contract([&] { static_cast<void>(blocks.allocate(of(0))); }).empty());
    CHECK(blocks.consistent());
}

namespace {
// A free run serves a layout when that fits a block.
const auto fits_a_block = testing::serves([](const auto&, block run, layout l) {
    return l.size() <= 64 && l.align() <= 16 && run.size >= 64;
});
}  // namespace

ASHLAR_ENROL("pool", [](testing::ground& g) {
    return pool<64, 16, testing::ground::upstream_type>(g.upstream(), {.first = 1024, .largest = 4096});
}, fits_a_block);
