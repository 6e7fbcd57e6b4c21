#include "ashlar/strategy/tlsf.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"
#include "support/enrol.hpp"
#include "support/fit_row.hpp"
#include "support/random_trace.hpp"
#include "support/serves.hpp"

using namespace ashlar;
using support::fit_row;

TEST_CASE("tlsf: classes follow one another without a gap, and each has a 32nd of its doubling", "[strategy][tlsf]") {
    std::size_t last = tlsf::class_of(16);
    for (std::size_t size = 16; size < 1 << 21; size += 16) {
        const std::size_t in = tlsf::class_of(size);
        REQUIRE((in == last || in == last + 1));
        const std::size_t from = tlsf::searched_for(size, 16);
        REQUIRE(from >= size);
        REQUIRE((from - size) * 32 < size);
        REQUIRE((from == 16 || tlsf::class_of(from) == tlsf::class_of(from - 16) + 1));  // where a class begins
        if (size < 1024) REQUIRE(from == size);
        last = in;
    }
}

TEST_CASE("tlsf: takes a block of the first class in which every one is long enough", "[strategy][tlsf]") {
    fit_row<tlsf> row({4096, 1040, 1056, 64, 2048});
    CHECK(row.taken(1040) == 2);  // 1040 is in the class from 1024 on: not every one of it is long enough
    CHECK(row.taken(1024) == 1);
    CHECK(row.taken(1072) == 4);
    CHECK(row.taken(48) == 3);
    CHECK(row.taken(4112) == -1);
    CHECK(row.fit().consistent());
}

TEST_CASE("tlsf: of one class takes what was freed last", "[strategy][tlsf]") {
    fit_row<tlsf> row({2048, 2064, 2096, 2048});
    CHECK(row.take(2000) == 3);
    CHECK(row.take(2000) == 2);
    row.give(3);
    CHECK(row.take(2000) == 3);
    CHECK(row.take(2000) == 1);
}

TEST_CASE("tlsf: a block that is as long as searched_for says holds the run, wherever it begins", "[strategy][tlsf]") {
    for (std::size_t align = 32; align <= 4096; align *= 2) {
        for (const std::size_t need : {16u, 240u, 1040u, 5008u}) {
            for (std::size_t at = 0; at < 2 * align; at += 16) {
                const std::size_t gap = fit_request{need, align, 16}.gap(reinterpret_cast<const std::byte*>(at));
                REQUIRE(gap + need <= tlsf::searched_for(need, align));
            }
        }
    }
}

TEST_CASE("tlsf: nothing is found for sizes and alignments that no block has", "[strategy][tlsf]") {
    free_list<tlsf> heap;
    for (const auto& [size, align] : {std::pair{layout::max_size, std::size_t{1}}, {std::size_t{1} << 62, std::size_t{1} << 61},
                                      {std::size_t{1} << 50, std::size_t{16}}, {std::size_t{1}, std::size_t{1} << 62}}) {
        CHECK_FALSE(heap.allocate(*layout::make(size, align)));
    }
    CHECK(heap.consistent());
}

TEST_CASE("tlsf: sizes just above a power of two, its bad case, still use six tenths of a bounded heap",
          "[strategy][tlsf]") {
    std::vector<std::byte> bytes(1 << 20);
    bump buffer(block{bytes.data(), bytes.size()});
    free_list<tlsf, bump> heap(buffer, (1 << 20) - 64);
    std::vector<block> live;
    std::size_t used = 0;
    for (unsigned round = 0; round < 40; ++round) {
        for (std::size_t n = round;; ++n) {
            const auto granted = heap.allocate(*layout::make((std::size_t{16} << n % 9) + 1, 8));
            if (!granted) break;
            live.push_back(*granted);
            used += granted->size;
        }
        CHECK(used * 10 > 6 * bytes.size());
        for (std::size_t i = round % 3; i < live.size(); i += 2) {
            used -= live[i].size;
            heap.deallocate(live[i].data, *layout::make(live[i].size, 8));
            live[i] = live.back();
            live.pop_back();
        }
        REQUIRE(heap.consistent());
    }
    for (const block& b : live) heap.deallocate(b.data, *layout::make(b.size, 8));
}

TEST_CASE("tlsf: serves random traces and is whole again afterwards", "[strategy][tlsf]") {
    free_list<tlsf> heap(1 << 16);
    support::random_trace trace(heap, 7, {.steps = 4000, .largest = 20'000, .align_exponents = 13});
    std::size_t step = 0;
    CHECK(trace.run([&] {
        if (++step % 16 == 0) REQUIRE(heap.consistent());
    }) == 0);
    trace.free_all();
    CHECK(heap.consistent());
    CHECK(support::free_ranges(heap).size() == 1);
}

ASHLAR_ENROL("tlsf",
             [](testing::ground& g) { return free_list<tlsf, testing::ground::upstream_type>(g.upstream(), 4096); },
             tests::serves_classes());
