#include "ashlar/observe/heap_layout.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "trace_support.hpp"

using namespace ashlar;

namespace {

constexpr std::uint64_t page = heap_layout::page_bytes;

heap_layout of(std::vector<placed_block> blocks) { return lay_out(blocks); }

}  // namespace

TEST_CASE("heap_layout: no blocks hold no pages", "[observe][heap_layout]") {
    const auto l = of({});
    CHECK(l.pages == 0);
    CHECK(l.map.empty());
    CHECK(l.shared_lines == 0);
}

TEST_CASE("heap_layout: a page is held by any block in it, even by one of no bytes", "[observe][heap_layout]") {
    const auto l = of({{page, 0, 1, 0}, {2 * page + 4000, 200, 2, 0}, {9 * page, 3 * page, 3, 0}});
    CHECK(l.pages == 1 + 2 + 3);
    CHECK(l.by_share[0] == 1);
    CHECK(l.by_share[1] == 2);  // 96 bytes, and the 104 that are in the next page
    CHECK(l.by_share[16] == 3);
    CHECK(l.sparse_pages == 3);
    CHECK(l.sparse_live == 200);
    REQUIRE(l.sparse.size() == 2);
    CHECK(l.sparse[0].stack == 2);
    CHECK(l.sparse[0].live == tally{2, 200});
    CHECK(l.sparse[0].unused == 2 * page - 200);
    CHECK(l.sparse[1].unused == page);
}

TEST_CASE("heap_layout: the unused bytes of a sparse page are shared out by the bytes in it", "[observe][heap_layout]") {
    const auto l = of({{0x10000, 300, 1, 0}, {0x10400, 100, 2, 0}});
    REQUIRE(l.sparse.size() == 2);
    CHECK(l.sparse[0].unused == (page - 400) * 3 / 4);
    CHECK(l.sparse[1].unused == (page - 400) / 4);
    CHECK(of({{0x10000, 1024, 1, 0}}).sparse_pages == 1);
    CHECK(of({{0x10000, 1025, 1, 0}}).sparse_pages == 0);
}

TEST_CASE("heap_layout: pages, shares and cells are those of a count byte by byte", "[observe][heap_layout]") {  // heap_layout.I1, heap_layout.I2
    std::mt19937_64 random(3);
    for (int round = 0; round < 30; ++round) {
        std::vector<placed_block> blocks;
        std::map<std::uint64_t, std::uint64_t> bytes;
        std::uint64_t at = 1 << 20;
        for (int i = 0; i < 200; ++i) {
            at += random() % 3 == 0 ? 16 * (random() % 4000) : 0;
            const std::uint64_t size = random() % 20 == 0 ? random() % 60'000 : 1 + random() % 300;
            blocks.push_back({at, size, static_cast<std::uint32_t>(random() % 7), 0});
            for (std::uint64_t b = at; b < at + size; ++b) ++bytes[b / page];
            at = (at + size + 15) / 16 * 16;
        }
        std::shuffle(blocks.begin(), blocks.end(), random);
        const auto l = lay_out(blocks);
        CHECK(l.pages == bytes.size());
        CHECK(std::accumulate(l.by_share.begin(), l.by_share.end(), std::uint64_t{0}) == l.pages);
        std::uint64_t pages = 0, live = 0, sparse = 0, unused = 0;
        for (const auto& c : l.map) pages += c.pages, live += c.bytes;
        CHECK(pages == l.pages);
        CHECK(live == l.live.bytes);
        for (const auto& [number, n] : bytes) sparse += n <= page / 4;
        CHECK(l.sparse_pages == sparse);
        for (const auto& row : l.sparse) unused += row.unused;
        CHECK(unused == l.sparse_pages * page - l.sparse_live);
        CHECK(l.cell_bits == 0);
    }
}

TEST_CASE("heap_layout: a map has at most its limit of cells, however much is held", "[observe][heap_layout]") {
    std::vector<placed_block> blocks;
    for (std::uint64_t i = 0; i < 100'000; ++i) blocks.push_back({(i + 1) * 3 * page, 64, 0, 0});
    const auto l = lay_out(blocks);
    CHECK(l.map.size() <= heap_layout::cell_limit);
    CHECK(l.map.size() > heap_layout::cell_limit / 4);
    std::uint64_t pages = 0;
    for (const auto& c : l.map) pages += c.pages;
    CHECK(pages == 100'000);
}

TEST_CASE("heap_layout: blocks that no machine has, out of a damaged trace, are survived", "[observe][heap_layout]") {
    const auto l = of({{16, ~std::uint64_t{0}, 0, 0}, {4096, 64, 1, 1}, {~std::uint64_t{0} - 4, 64, 2, 2}, {~std::uint64_t{0} - 4, 2, 3, 0}});
    CHECK(l.map.size() <= heap_layout::cell_limit);
    CHECK(l.pages > 0);
}

TEST_CASE("heap_layout: lines with blocks of two threads are counted once, with who asked for them", "[observe][heap_layout]") {
    const auto l = of({{0x1000, 16, 5, 0}, {0x1010, 16, 6, 1}, {0x1020, 16, 6, 1},  // one line, one pair
                       {0x2000, 100, 5, 0}, {0x2070, 16, 6, 2},                      // the second line of the first block
                       {0x3000, 64, 5, 0}, {0x3040, 64, 6, 1},                       // none
                       {0x4000, 16, 7, 1}, {0x4010, 16, 5, 1},                       // one thread
                       {0x5000, 0, 7, 1}, {0x5010, 16, 5, 0}});                      // no bytes to write to
    CHECK(l.shared_lines == 2);
    REQUIRE(l.sharing.size() == 1);
    CHECK(l.sharing[0].lines == 2);
    CHECK(l.sharing[0].stack == 5);
    CHECK(l.sharing[0].other_stack == 6);
    CHECK(l.sharing[0].thread == 0);
    CHECK(l.sharing[0].other_thread == 1);
}

TEST_CASE("heap_layout: of a trace it is told at the peak, at the end and between, with the lines that threads share", "[observe][heap_layout]") {
    const trace_support::scratch_folder folder;
    trace_writer to = trace_writer::create(folder / "t", {});
    std::uint64_t time = 0, written = 0;
    const auto tell = [&](event_kind kind, std::uint64_t address, std::uint32_t thread) {
        REQUIRE(to.write({.time_ns = ++time, .address = address, .size = requests(kind) ? 16U : 0U, .thread = thread, .kind = kind}));
        ++written;
    };
    for (std::uint64_t line = 0; line < 40; ++line) {  // both halves of 40 lines, of which the second thread's go again
        tell(event_kind::malloc, 0x10000 + 64 * line, 0);
        tell(event_kind::malloc, 0x10020 + 64 * line, 1);
    }
    const std::uint64_t peak = written + 2;  // each thread's beginning is an event
    for (std::uint64_t line = 0; line < 30; ++line) tell(event_kind::free, 0x10020 + 64 * line, 1);
    tell(event_kind::malloc, 0x10000 + 64 * 50, 1);
    REQUIRE(to.close(time));
    trace_reader reader = trace_reader::open(folder / "t");
    const auto figures = summarise(reader);
    const auto layouts = layouts_of(reader, *figures);
    REQUIRE(layouts.size() > 2);
    CHECK(layouts.size() <= 17);
    CHECK(std::is_sorted(layouts.begin(), layouts.end(), [](const auto& a, const auto& b) { return a.events < b.events; }));
    const auto at_peak = std::find_if(layouts.begin(), layouts.end(), [&](const auto& l) { return l.events == peak; });
    REQUIRE(at_peak != layouts.end());
    CHECK(at_peak->live == tally{80, 80 * 16});
    CHECK(at_peak->shared_lines == 40);
    REQUIRE(at_peak->sharing.size() == 1);  // the moment with most of them keeps who shares
    CHECK(at_peak->sharing[0].lines == 40);
    CHECK(at_peak->sharing[0].thread != at_peak->sharing[0].other_thread);
    const heap_layout& last = layouts.back();
    CHECK(last.events == figures->events);
    CHECK(last.live == tally{51, 51 * 16});
    CHECK(last.shared_lines == 10);
    CHECK(last.sharing.empty());
    CHECK(last.pages == 1);
}
