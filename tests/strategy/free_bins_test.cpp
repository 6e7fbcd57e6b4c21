#include "ashlar/strategy/free_bins.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <vector>

using ashlar::free_bins;
using ashlar::free_block;

TEST_CASE("free_bins: a list is last in, first out, and gives up a block from anywhere", "[strategy][free_bins]") {
    alignas(16) std::byte room[3 * 16];
    free_block* b[3];
    for (int i = 0; i < 3; ++i) b[i] = ::new (room + 16 * i) free_block(16);
    free_bins<64> bins;
    for (auto* x : b) bins.push(7, *x);
    CHECK(bins.head(7) == b[2]);
    CHECK(bins.consistent());
    bins.remove(7, *b[1]);
    CHECK(bins.consistent());
    bins.remove(7, *b[2]);
    CHECK(bins.head(7) == b[0]);
    bins.remove(7, *b[0]);
    CHECK(bins.consistent());
    CHECK(bins.first_from(0) == 64);
}

TEST_CASE("free_bins: the first list in use from a number on is the one a scan finds", "[strategy][free_bins]") {
    constexpr std::size_t count = 1024;
    std::vector<std::byte> bytes(16 * 41);
    std::byte* at = bytes.data() + ashlar::padding_to(bytes.data(), 16);
    const auto bins = std::make_unique<free_bins<count>>();
    std::vector<std::pair<std::size_t, free_block*>> in;
    std::mt19937 random(1);
    for (int i = 0; i < 40; ++i) {
        in.emplace_back(random() % count, ::new (at + 16 * i) free_block(16));
        bins->push(in.back().first, *in.back().second);
    }
    while (!in.empty()) {
        for (std::size_t from = 0; from < count; ++from) {
            std::size_t expected = count;
            for (const auto& [bin, b] : in) expected = bin >= from && bin < expected ? bin : expected;
            REQUIRE(bins->first_from(from) == expected);
        }
        bins->remove(in.back().first, *in.back().second);
        in.pop_back();
    }
    CHECK(bins->consistent());
}

TEST_CASE("free_bins: every list is found and visited, the first and the last of each word too", "[strategy][free_bins]") {
    constexpr std::size_t count = 256;
    alignas(16) std::byte room[16];
    free_bins<count> bins;
    for (std::size_t bin = 0; bin < count; ++bin) {
        auto& b = *::new (room) free_block(16);
        bins.push(bin, b);
        REQUIRE(bins.consistent());
        REQUIRE(bins.first_from(0) == bin);
        REQUIRE(bins.first_from(bin) == bin);
        std::size_t visited = 0;
        bins.for_each([&](std::size_t in, const free_block& found) { visited += in == bin && &found == &b; });
        REQUIRE(visited == 1);
        bins.remove(bin, b);
        REQUIRE(bins.first_from(0) == count);
    }
}
