#include "ashlar/strategy/buddy.hpp"

#include <array>
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

std::array<std::size_t, 61> structure(const auto& heap) {
    std::array<std::size_t, 61> counts{};
    for (std::size_t order = 0; order < 61; ++order) counts[order] = heap.free_blocks(order);
    return counts;
}

}  // namespace

TEST_CASE("buddy: serves random traces, is whole again at the end, and gives every page back", "[strategy][buddy]") {
    for (unsigned seed = 0; seed < 6; ++seed) {
        os::failing_pages<> pages;
        {
            checked_pages upstream{ref(pages)};
            buddy<checked_pages> heap(upstream, 1 << 16);
            support::random_trace trace(heap, seed, {.steps = 2000, .largest = 100'000, .align_exponents = 18});
            std::size_t step = 0;
            CHECK(trace.run([&] {
                if (++step % 64 == 0) REQUIRE(heap.consistent());
            }) == 0);
            CHECK(heap.managed_bytes() > 1 << 18);  // several regions
            trace.free_all();
            CHECK(heap.consistent());
            CHECK(heap.free_blocks(16) == 1);  // the kept region
            CHECK(support::free_ranges(heap).size() == 1);
            CHECK(heap.managed_bytes() < 1 << 17);
            heap.trim();
            CHECK(heap.consistent());
            CHECK(heap.managed_bytes() == 0);
        }
        CHECK(pages.balanced());
    }
}

TEST_CASE("buddy: refuses exactly when no block of the order or above is free", "[strategy][buddy]") {
    std::vector<std::byte> bytes(3 << 16);
    for (unsigned seed = 0; seed < 6; ++seed) {
        bump buffer(block{bytes.data(), bytes.size()});
        buddy<bump> heap(buffer, 1 << 16);
        CHECK(heap.available(of(1 << 16)));
        const auto first = *heap.allocate(of(1));
        // Leaves the upstream too little for another region, and for a request above the region.
        while (buffer.available(of(4096))) REQUIRE(buffer.allocate(of(4096)));
        heap.deallocate(first.data, of(1));
        CHECK(heap.available(of(1 << 16)));
        CHECK_FALSE(heap.available(of((1 << 16) + 1)));
        support::random_trace trace(heap, seed, {.steps = 1500, .largest = 4000, .free_percent = 40});
        CHECK(trace.run() > 0);  // the trace compares available with every answer
        for (std::size_t order = 4; order <= 17; ++order) {
            bool some = false;
            for (std::size_t above = order; above < 61; ++above) some = some || heap.free_blocks(above) != 0;
            CHECK(heap.available(of(std::size_t{1} << order)) == some);
            CHECK(heap.available(of((std::size_t{1} << order) / 2 + 1)) == some);
            CHECK(heap.available(of(1, std::size_t{1} << order)) == some);
        }
    }
}

TEST_CASE("buddy: a block is aligned to its size and as large as its order", "[strategy][buddy]") {
    buddy<> heap(1 << 20);
    for (std::size_t size = 1; size <= 1 << 20; size = size * 3 / 2 + 1) {
        const auto b = heap.allocate(of(size));
        REQUIRE(b);
        CHECK(b->size >= size);
        CHECK((b->size == 16 || b->size < 2 * size));
        CHECK(is_aligned(b->data, b->size));
        heap.deallocate(b->data, of(size));
    }
}

TEST_CASE("buddy: freeing restores the free blocks of every order", "[strategy][buddy]") {
    buddy<> heap(1 << 18);
    support::random_trace trace(heap, 4, {.steps = 300, .largest = 3000});
    trace.run();
    const auto before = structure(heap);
    const auto ranges = support::free_ranges(heap);
    for (std::size_t size = 1; size < 20'000; size = size * 2 + 1) {
        const auto b = heap.allocate(of(size));
        if (!b) continue;
        heap.deallocate(b->data, of(size));
        REQUIRE(structure(heap) == before);
        REQUIRE(support::free_ranges(heap) == ranges);
    }
}

TEST_CASE("buddy: a first half grows into free second halves, and shrinks by giving them back", "[strategy][buddy]") {
    buddy<> heap(1 << 12);
    const auto x = *heap.allocate(of(100));  // in the kept region
    const auto grown = heap.grow_in_place(x.data, of(100), of(4096));
    REQUIRE(grown);
    CHECK(grown->data == x.data);
    CHECK(heap.consistent());
    CHECK_FALSE(heap.grow_in_place(x.data, of(4096), of(4097)));
    const auto shrunk = heap.shrink_in_place(x.data, of(4096), of(10));
    REQUIRE(shrunk);
    CHECK(shrunk->size == 16);
    CHECK(heap.consistent());
    const auto second = *heap.allocate(of(16));  // x's buddy
    CHECK_FALSE(heap.grow_in_place(x.data, of(10), of(17)));
    CHECK_FALSE(heap.grow_in_place(second.data, of(16), of(17)));  // a second half never grows
    CHECK(heap.consistent());
    heap.deallocate(second.data, of(16));
    heap.deallocate(x.data, of(10));
    CHECK(heap.free_blocks(12) == 1);
}

TEST_CASE("buddy: a refused region is a refusal and leaves nothing behind", "[strategy][buddy]") {
    os::failing_pages<> pages;
    {
        checked_pages upstream{ref(pages)};
        buddy<checked_pages> heap(upstream, 1 << 16);
        for (std::size_t n = 1; n <= 2; ++n) {
            pages.fail(n);
            CHECK_FALSE(heap.allocate(of(100)));
            CHECK(pages.balanced());
            CHECK_FALSE(heap.owns(nullptr));
            CHECK(heap.consistent());
        }
        CHECK(heap.allocate(of(100)));
        const auto before = structure(heap);
        for (const std::size_t size : {1u << 16, 1u << 20}) {  // another region, and one of its own
            for (std::size_t n = 1; n <= 2; ++n) {
                pages.fail(n);
                CHECK_FALSE(heap.allocate(of(size)));
                CHECK(structure(heap) == before);
                CHECK(heap.consistent());
            }
        }
        CHECK_FALSE(heap.allocate(of(layout::max_size)));
        CHECK_FALSE(heap.allocate(of(layout::max_size - 15, 16)));
        CHECK_FALSE(heap.allocate(of(1, std::size_t{1} << 62)));
        CHECK_FALSE(heap.allocate(of(std::size_t{1} << 62, std::size_t{1} << 62)));
        heap.reset();
        CHECK(pages.balanced());
        CHECK(heap.allocate(of(1 << 16)));
    }
    CHECK(pages.balanced());
}

TEST_CASE("buddy: regions from the least to a gigabyte work", "[strategy][buddy]") {
    for (std::size_t size = 16; size <= std::size_t{1} << 30; size *= 4) {
        buddy<> heap(size);
        const auto b = heap.allocate(of(size));
        REQUIRE(b);
        CHECK(heap.free_blocks(countr_zero(size)) == 0);
        heap.deallocate(b->data, of(size));
        CHECK(heap.free_blocks(countr_zero(size)) == 1);
        CHECK(heap.allocate(of(1)));
        CHECK(heap.consistent());
    }
}

TEST_CASE("buddy: every region goes back when it is wholly free, but the first", "[strategy][buddy]") {
    os::failing_pages<> pages;
    checked_pages upstream{ref(pages)};
    buddy<checked_pages> heap(upstream, 1 << 16);
    std::vector<block> blocks;
    for (int i = 0; i < 12; ++i) blocks.push_back(*heap.allocate(of(1 << 14)));
    CHECK(heap.free_blocks(16) == 0);
    const auto one = heap.managed_bytes() / 3;
    for (int i = 11; i >= 8; --i) heap.deallocate(blocks[static_cast<std::size_t>(i)].data, of(1 << 14));
    CHECK(heap.managed_bytes() == 2 * one);
    for (int i = 0; i < 8; ++i) heap.deallocate(blocks[static_cast<std::size_t>(i)].data, of(1 << 14));
    CHECK(heap.managed_bytes() == one);
    CHECK(heap.owns(blocks[0].data));
    CHECK_FALSE(heap.owns(blocks[8].data));
    heap.reset();
    CHECK(pages.balanced());
    CHECK(heap.consistent());  // of no order anything is listed
}

TEST_CASE("buddy: a trim leaves the kept region where it has a live block, and another is kept after one that had none",
          "[strategy][buddy]") {
    buddy<> heap(1 << 16);
    const auto live = *heap.allocate(of(100));
    const auto before = structure(heap);
    heap.trim();
    CHECK(structure(heap) == before);
    heap.deallocate(live.data, of(100));
    heap.trim();
    CHECK(heap.managed_bytes() == 0);
    const auto again = heap.allocate(of(100));
    REQUIRE(again);
    heap.deallocate(again->data, of(100));
    CHECK(heap.free_blocks(16) == 1);
    CHECK(heap.consistent());
}

TEST_CASE("buddy: a request above the usual region has a region of its own size", "[strategy][buddy]") {
    os::failing_pages<> pages;
    checked_pages upstream{ref(pages)};
    buddy<checked_pages> heap(upstream, 1 << 16);
    for (const auto l : {of((1 << 16) + 1), of(300'000), of(1, 1 << 17), of(200'000, 1 << 16), of(1 << 16, 1 << 20)}) {
        const auto b = heap.allocate(l);
        REQUIRE(b);
        CHECK(b->size >= l.size());
        CHECK(b->size < l.size() + 2 * 4096);  // no power of two
        CHECK(is_aligned(b->data, l.align()));
        CHECK((heap.owns(b->data) && heap.owns(b->end() - 1) && !heap.owns(b->end())));
        CHECK(heap.grow_in_place(b->data, l, of(b->size, l.align())));
        CHECK_FALSE(heap.grow_in_place(b->data, l, of(b->size + 1, l.align())));
        if (l.align() <= 1 << 16) CHECK_FALSE(heap.shrink_in_place(b->data, l, of(1 << 16, l.align())));
        CHECK(heap.shrink_in_place(b->data, of(b->size, l.align()), l)->size == b->size);
        CHECK(support::free_ranges(heap).empty());
        CHECK(heap.consistent());
        heap.deallocate(b->data, of(b->size, l.align()));
        CHECK(pages.balanced());
    }
}

TEST_CASE("buddy: freeing twice, inside a block, or with a layout of another order breaks the contract",
          "[strategy][buddy]") {
    buddy<> heap(1 << 16);
    const auto x = *heap.allocate(of(100)), y = *heap.allocate(of(100));
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { heap.deallocate(p, l); }).empty();
    };
    CHECK(refuses(x.data, of(64)));
    CHECK(refuses(x.data, of(129)));
    CHECK(refuses(x.data + 64, of(64)));
    CHECK(refuses(x.data + 1, of(100)));
    CHECK(refuses(x.data, of(0)));
    std::byte other[16];
    CHECK(refuses(other, of(16)));
    heap.deallocate(x.data, of(100));
    CHECK(refuses(x.data, of(100)));
    heap.deallocate(y.data, of(100));  // both are part of a larger free block now
    CHECK(refuses(x.data, of(100)));
    CHECK(refuses(y.data, of(100)));
    const auto big = *heap.allocate(of(200'000));
    CHECK(refuses(big.data, of(100)));
    CHECK(refuses(big.data + 65'536, of(65'536)));
    CHECK(refuses(big.data + 16, of(200'000)));
    CHECK(refuses(big.data, of(big.size + 1)));
    CHECK(refuses(big.data, of(200'000, std::size_t{1} << 40)));
    heap.deallocate(big.data, of(200'000));
    CHECK(refuses(big.data, of(200'000)));
    CHECK(refuses(nullptr, of(1)));
    CHECK_FALSE(broken_contract([&] { static_cast<void>(heap.allocate(of(0))); }).empty());
    CHECK(heap.consistent());
}

// A free run serves a layout when a whole block of its order lies in it.
ASHLAR_ENROL("buddy", [](auto& ground) {
    return buddy<testing::ground::upstream_type>(ground.upstream(), 1 << 14);
}, testing::serves([](const auto& heap, block run, layout l) {
    const std::size_t size = std::size_t{1} << buddy_order(l.size(), l.align(), std::size_t{4});
    if (size > heap.region_size()) return false;
    const std::size_t before = padding_to(run.data, size);
    return before <= run.size && size <= run.size - before;
}));
