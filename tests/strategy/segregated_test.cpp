#include "ashlar/strategy/segregated.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
using checked_pages = page<os::failing_pages<>>;
}  // namespace

TEST_CASE("segregated: serves random traces, and trim gives every chunk back at the end", "[strategy][segregated]") {
    for (unsigned seed = 0; seed < 5; ++seed) {
        os::failing_pages<> pages;
        checked_pages upstream{ref(pages)};
        segregated<checked_pages> heap(upstream);
        support::random_trace trace(heap, seed, {.steps = 3000, .largest = 9000, .align_exponents = 13});
        std::size_t step = 0;
        CHECK(trace.run([&] {
            if (++step % 64 == 0) REQUIRE(heap.consistent());
            if (step % 500 == 0) heap.trim();
        }) == 0);
        trace.free_all();
        CHECK(heap.consistent());
        heap.trim();
        CHECK(heap.chunks() == 0);
        CHECK(pages.balanced());
        CHECK(support::free_ranges(heap).empty());
        CHECK(heap.allocate(of(100)));  // and it goes on
    }
}

TEST_CASE("segregated: in a bounded heap available foretells every grant and refusal", "[strategy][segregated]") {
    std::vector<std::byte> bytes(1 << 20);
    for (unsigned seed = 0; seed < 5; ++seed) {
        bump buffer(block{bytes.data(), bytes.size()});
        segregated<bump> heap(buffer);
        support::random_trace trace(heap, seed, {.steps = 3000, .largest = 4096, .free_percent = 30});
        CHECK(trace.run() > 0);
        CHECK(heap.consistent());
    }
}

TEST_CASE("segregated: stands on any upstream that frees", "[strategy][segregated]") {
    os::failing_pages<> pages;
    {
        checked_pages source{ref(pages)};
        free_list<best_fit, checked_pages> below(source, 1 << 20);
        segregated<free_list<best_fit, checked_pages>> heap(below);
        support::random_trace trace(heap, 1, {.steps = 2000, .largest = 9000});
        CHECK(trace.run() == 0);
        CHECK(below.consistent());
        trace.free_all();
        heap.trim();
        CHECK(support::free_ranges(below).size() == 1);
    }
    CHECK(pages.balanced());
}

TEST_CASE("segregated: the block freed last is granted next", "[strategy][segregated]") {
    segregated<> heap;
    const auto x = *heap.allocate(of(100)), y = *heap.allocate(of(100));
    CHECK(y.data == x.data + x.size);  // carved side by side, without headers
    heap.deallocate(x.data, of(100));
    heap.deallocate(y.data, of(100));
    CHECK(heap.allocate(of(112))->data == y.data);
    CHECK(heap.allocate(of(97))->data == x.data);
}

TEST_CASE("segregated: freeing restores what is free", "[strategy][segregated]") {
    segregated<> heap;
    support::random_trace trace(heap, 2, {.steps = 500, .largest = 4000});
    trace.run();
    for (std::size_t size = 1; size < 4000; size += 61) {
        heap.deallocate(heap.allocate(of(size))->data, of(size));  // may take a chunk
        const auto before = support::free_ranges(heap);
        heap.deallocate(heap.allocate(of(size))->data, of(size));
        REQUIRE(support::free_ranges(heap) == before);
    }
}

TEST_CASE("segregated: grows and shrinks within the class only", "[strategy][segregated]") {
    segregated<> heap;
    const auto b = *heap.allocate(of(100));
    CHECK(b.size == 112);
    CHECK(heap.grow_in_place(b.data, of(100), of(112)));
    CHECK_FALSE(heap.grow_in_place(b.data, of(112), of(113)));
    CHECK(heap.shrink_in_place(b.data, of(112), of(97)));
    CHECK_FALSE(heap.shrink_in_place(b.data, of(97), of(96)));
    const auto big = *heap.allocate(of(5000));
    CHECK(heap.grow_in_place(big.data, of(5000), of(8192)));      // within its pages
    CHECK_FALSE(heap.shrink_in_place(big.data, of(8192), of(64)));  // would change hands
    heap.deallocate(big.data, of(8192));
    heap.deallocate(b.data, of(97));
}

TEST_CASE("segregated: a refused chunk is a refusal and changes nothing", "[strategy][segregated]") {
    os::failing_pages<> pages;
    {
        checked_pages upstream{ref(pages)};
        segregated<checked_pages> heap(upstream);
        for (std::size_t n = 1; n <= 2; ++n) {
            pages.fail(n);
            CHECK_FALSE(heap.allocate(of(100)));
            CHECK(heap.chunks() == 0);
            CHECK(pages.balanced());
        }
        CHECK(heap.allocate(of(100)));
        const std::size_t left = support::free_ranges(heap)[0].size / 112;
        CHECK(left > 570);
        pages.fail(1, os::lasting::onwards);
        for (std::size_t i = 0; i < left; ++i) REQUIRE(heap.allocate(of(100)));  // the chunk's other blocks
        CHECK_FALSE(heap.allocate(of(100)));
        CHECK_FALSE(heap.allocate(of(10'000)));
        CHECK(heap.consistent());
        pages.heal();
    }
    CHECK(pages.balanced());
}

TEST_CASE("segregated: a chunk goes back when its last block is freed, but one a class", "[strategy][segregated]") {
    for (const std::size_t idle_chunks : {0u, 1u, 2u}) {
        os::failing_pages<> pages;
        checked_pages upstream{ref(pages)};
        segregated<checked_pages> heap(upstream, idle_chunks);
        std::vector<block> blocks;
        while (heap.chunks() < 5) blocks.push_back(*heap.allocate(of(4096)));
        while (!blocks.empty()) {
            heap.deallocate(blocks.back().data, of(4096));
            blocks.pop_back();
            REQUIRE(heap.consistent());
        }
        CHECK(heap.chunks() == idle_chunks);
        const auto other = *heap.allocate(of(2048));  // no chunk serves another class
        CHECK(heap.chunks() == idle_chunks + 1);
        CHECK(heap.managed_bytes() == heap.chunks() * 65536);
        heap.trim();
        CHECK(heap.chunks() == 1);
        CHECK(heap.class_at(other.data) == class_of_size(std::size_t{2048}));
        heap.deallocate(other.data, of(2048));
        heap.trim();
        CHECK(pages.balanced());
    }
}

TEST_CASE("segregated: a batch longer than a chunk, again and again, asks the upstream a few times only",
          "[strategy][segregated]") {
    os::failing_pages<> pages;
    checked_pages upstream{ref(pages)};
    segregated<checked_pages> heap(upstream);
    std::vector<block> blocks;
    for (int round = 0; round < 50; ++round) {
        while (blocks.size() < 200) blocks.push_back(*heap.allocate(of(1024)));  // 63 fit a chunk
        for (; !blocks.empty(); blocks.pop_back()) heap.deallocate(blocks.back().data, of(1024));
        REQUIRE(heap.consistent());
    }
    CHECK(pages.calls(os::page_call::reserve) < 12);
    heap.trim();
    CHECK(heap.chunks() == 0);
    CHECK(pages.balanced());
    CHECK(heap.allocate(of(1024)));
    CHECK(heap.consistent());
}

TEST_CASE("segregated: every class tells its own blocks from all other addresses", "[strategy][segregated]") {
    for (std::size_t index = 0; index < segregated<>::classes; ++index) {
        segregated<> heap;
        const std::size_t size = size_of_class(index);
        std::vector<block> blocks;
        do {
            blocks.push_back(*heap.allocate(of(size)));
        } while (!support::free_ranges(heap).empty());
        auto& c = segregated_chunk::of(blocks[0].data);
        REQUIRE(c.blocks() == blocks.size());
        CHECK(65536 - blocks.size() * size < size + 1024);  // the header, its bits, and less than a block
        for (std::size_t i = 0; i < segregated_chunk::bytes; ++i) {
            const bool begins = i % size == 0 && i / size < blocks.size();
            if (c.is_live(c.begin() + i) != begins) FAIL("wrong about " << i << " at " << size);
        }
        REQUIRE(heap.consistent());
    }
}

TEST_CASE("segregated: what the upstream serves is moved by the upstream", "[strategy][segregated]") {
    segregated<> heap;
    const auto b = *heap.allocate(of(100'000));
    b.data[99'999] = std::byte{7};
    const auto moved = heap.reallocate(b.data, of(100'000), of(5'000'000), 100'000);
    REQUIRE(moved);
    CHECK(moved->data[99'999] == std::byte{7});
    const auto small = heap.reallocate(moved->data, of(5'000'000), of(100), 100);
    REQUIRE(small);
    CHECK(small->size == 112);
    CHECK(heap.reallocate(small->data, of(100), of(112), 100)->data == small->data);
    heap.deallocate(small->data, of(112));
}

TEST_CASE("segregated: freeing twice, inside a block, or with a layout of another class breaks the contract",
          "[strategy][segregated]") {
    segregated<> heap;
    const auto x = *heap.allocate(of(100)), y = *heap.allocate(of(100));
    const auto z = *heap.allocate(of(200));
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { heap.deallocate(p, l); }).empty();
    };
    CHECK(refuses(x.data + 8, of(100, 16)));
    CHECK(refuses(x.data + 16, of(100)));
    CHECK(refuses(x.data, of(200)));
    CHECK(refuses(x.data, of(96)));
    CHECK(refuses(z.data, of(100)));
    CHECK(refuses(x.data, of(0)));
    CHECK(refuses(y.data + 112, of(100)));  // not yet carved
    CHECK(refuses(nullptr, of(100)));
    std::byte other[16];
    CHECK(refuses(other, of(16)));
    heap.deallocate(x.data, of(100));
    CHECK(refuses(x.data, of(100)));
    heap.deallocate(y.data, of(100));
    CHECK(refuses(x.data, of(100)));
    CHECK(refuses(y.data, of(100)));
    CHECK_FALSE(broken_contract([&] { static_cast<void>(heap.allocate(of(0))); }).empty());
    CHECK(heap.consistent());
}

namespace {
// A free run serves a layout when it is of the layout's class.
const auto same_class = testing::serves([](const auto& heap, block run, layout l) {
    if (l.size() > 4096 || l.align() > 4096) return false;
    return heap.class_at(run.data) == class_of_aligned_size(l.size(), l.align());
});
}  // namespace

ASHLAR_ENROL("segregated, no idle chunks", [](auto& ground) {
    return segregated<testing::ground::upstream_type>(ground.upstream(), 0);
}, same_class);
ASHLAR_ENROL("segregated", [](auto& ground) {
    return segregated<testing::ground::upstream_type>(ground.upstream());
}, same_class);
