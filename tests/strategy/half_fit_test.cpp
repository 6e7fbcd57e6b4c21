#include "ashlar/strategy/half_fit.hpp"

#include <catch2/catch.hpp>

#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "support/enrol.hpp"
#include "support/fit_row.hpp"
#include "support/random_trace.hpp"
#include "support/serves.hpp"

using namespace ashlar;
using support::fit_row;

TEST_CASE("half_fit: a list begins at each power of two", "[strategy][half_fit]") {
    for (std::size_t size = 16; size < 1 << 16; size += 16) {
        const std::size_t in = half_fit::class_of(size);
        REQUIRE((std::size_t{16} << in) <= size);
        REQUIRE((std::size_t{32} << in) > size);
        REQUIRE(half_fit::searched_for(size, 16) == half_fit::rounded(size));
        REQUIRE(half_fit::rounded(size) < 2 * size);
    }
}

TEST_CASE("half_fit: takes the block freed last of the first list in which every one is long enough",
          "[strategy][half_fit]") {
    fit_row<half_fit> row({4096, 1040, 2032, 64, 2048});
    CHECK(row.take(1024) == 2);
    CHECK(row.take(1024) == 1);
    CHECK(row.take(1024) == 4);
    row.give(1);
    CHECK(row.take(1024) == 1);
    CHECK(row.taken(64) == 3);
    CHECK(row.taken(4112) == -1);
    CHECK(row.fit().consistent());
}

TEST_CASE("half_fit: a block that is as long as searched_for says holds the run, wherever it begins",
          "[strategy][half_fit]") {
    for (std::size_t align = 32; align <= 4096; align *= 2) {
        for (const std::size_t need : {16u, 256u, 1024u, 8192u}) {
            for (std::size_t at = 0; at < 2 * align; at += 16) {
                const std::size_t gap = fit_request{need, align, 16}.gap(reinterpret_cast<const std::byte*>(at));
                REQUIRE(gap + need <= half_fit::searched_for(need, align));
            }
        }
    }
}

TEST_CASE("half_fit: a block is a power of two long, and grows within it in place", "[strategy][half_fit]") {
    free_list<half_fit> heap;
    const auto l = *layout::make(520, 8), more = *layout::make(1000, 8), beyond = *layout::make(1500, 8);
    const auto first = heap.allocate(l), second = heap.allocate(l);
    REQUIRE((first && second));
    CHECK(first->size == 1024);
    const auto grown = heap.grow_in_place(first->data, l, more);
    REQUIRE(grown);
    CHECK(*grown == *first);
    CHECK_FALSE(heap.grow_in_place(first->data, more, beyond));
    const auto shrunk = heap.shrink_in_place(first->data, more, *layout::make(100, 8));
    REQUIRE(shrunk);
    CHECK(shrunk->size == 128);
    CHECK(heap.consistent());
    heap.deallocate(first->data, *layout::make(100, 8));
    heap.deallocate(second->data, l);
    CHECK(heap.consistent());
}

TEST_CASE("half_fit: nothing is found for sizes and alignments that no block has", "[strategy][half_fit]") {
    free_list<half_fit> heap;
    for (const auto& [size, align] : {std::pair{layout::max_size, std::size_t{1}}, {std::size_t{1} << 62, std::size_t{1} << 61},
                                      {std::size_t{1} << 50, std::size_t{16}}, {std::size_t{1}, std::size_t{1} << 62},
                                      {layout::max_size - (std::size_t{1} << 62), std::size_t{1} << 62}}) {
        CHECK_FALSE(heap.allocate(*layout::make(size, align)));
    }
    CHECK(heap.consistent());
}

TEST_CASE("half_fit: serves random traces and is whole again afterwards", "[strategy][half_fit]") {
    free_list<half_fit> heap(1 << 17);
    support::random_trace trace(heap, 7, {.steps = 2000, .largest = 20'000, .align_exponents = 13});
    std::size_t step = 0;
    CHECK(trace.run([&] {
        if (++step % 16 == 0) REQUIRE(heap.consistent());
    }) == 0);
    trace.free_all();
    CHECK(heap.consistent());
}

ASHLAR_ENROL("half_fit",
             [](testing::ground& g) { return free_list<half_fit, testing::ground::upstream_type>(g.upstream(), 4096); },
             tests::serves_powers());
