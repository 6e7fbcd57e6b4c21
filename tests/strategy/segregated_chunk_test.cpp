#include "ashlar/strategy/segregated_chunk.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "ashlar/strategy/page.hpp"

using namespace ashlar;

TEST_CASE("segregated_chunk: grants what was freed last, then carves, and knows what is live",
          "[strategy][segregated_chunk]") {
    page<> pages;
    for (const std::size_t size : {16u, 48u, 112u, 640u, 4096u}) {
        const auto granted = *pages.allocate(segregated_chunk::asked());
        auto& c = segregated_chunk::build(granted.data, nullptr, class_of_size(size));
        CHECK((c.begin() == granted.data && c.end() == granted.data + segregated_chunk::bytes));
        CHECK(c.is_idle());
        std::byte* const first = c.take();
        std::byte* const second = c.take();
        CHECK((first == c.begin() && second == first + size));
        CHECK((&segregated_chunk::of(second + size - 1) == &c && c.is_live(second) && !c.is_live(second + 8)));
        c.put(first);
        CHECK_FALSE(c.is_live(first));
        CHECK(c.take() == first);
        while (!c.is_full()) CHECK(is_aligned(c.take(), size & (~size + 1)));  // segregated_chunk.I1
        CHECK(c.consistent());
        for (std::size_t i = 0; i < c.blocks(); ++i) c.put(c.begin() + i * size);
        CHECK((c.is_idle() && c.consistent()));
        unpoison(granted.data, segregated_chunk::bytes);
        pages.deallocate(granted.data, segregated_chunk::asked());
    }
}

TEST_CASE("segregated_chunk: what it shows as free are the largest ranges without a live block", "[strategy][segregated_chunk]") {
    page<> pages;
    const auto granted = *pages.allocate(segregated_chunk::asked());
    auto& c = segregated_chunk::build(granted.data, nullptr, class_of_size(std::size_t{48}));
    while (!c.is_full()) c.take();
    std::vector<block> expected, shown;
    for (std::size_t i = 0; i < c.blocks(); ++i) {
        if (i % 7 != 3 && i % 7 != 4 && i % 64 != 63) continue;  // alone, two together, and across words
        std::byte* const p = c.begin() + i * 48;
        c.put(p);
        if (!expected.empty() && expected.back().end() == p) expected.back().size += 48;
        else expected.push_back({p, 48});
    }
    const auto visit = [&](block b) { shown.push_back(b); };
    c.for_each_free(visit);
    CHECK(shown == expected);
    unpoison(granted.data, segregated_chunk::bytes);
    pages.deallocate(granted.data, segregated_chunk::asked());
}
