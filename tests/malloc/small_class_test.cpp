#include <catch2/catch.hpp>

#include <algorithm>

#include "ashlar/malloc/small_class.hpp"

using namespace ashlar;

TEST_CASE("small_class: the table says what the arithmetic says", "[malloc][small_class]") {
    for (std::size_t n = 0; n <= malloc::small_class_limit; ++n) {
        if (malloc::small_class(n) != class_of_size(std::max<std::size_t>(n, 1))) FAIL("size " << n);  // small_class.I1
    }
}

TEST_CASE("small_class: with added classes a size has the smallest that holds it", "[malloc][small_class]") {
    using table = malloc::class_table;
    table classes = table::usual();
    const std::size_t added[] = {4368, 528, 16, 8192};
    const auto size_of = [&](std::size_t c) { return c < size_class_count ? size_of_class(c) : added[c - size_class_count]; };
    for (std::size_t i = 0; i < std::size(added); ++i) classes.add(added[i], static_cast<std::uint8_t>(size_class_count + i), size_of);
    for (std::size_t n = 0; n <= size_class_max; ++n) {
        std::size_t bytes = size_of_class(class_of_size(std::max<std::size_t>(n, 1)));
        for (const std::size_t a : added) bytes = n <= a && a < bytes ? a : bytes;
        if (size_of(classes.of(n)) != bytes) FAIL("size " << n);  // small_class.I2
        if (n != 0 && table::usual().of(n) != class_of_size(n)) FAIL("size " << n);
    }
    CHECK(classes.of(16) == 0);  // a usual class of that size stays
    CHECK(table().of_small(900) == 0);
}
