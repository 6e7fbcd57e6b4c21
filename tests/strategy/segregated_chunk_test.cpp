#include "ashlar/strategy/segregated_chunk.hpp"

#include <catch2/catch.hpp>

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
