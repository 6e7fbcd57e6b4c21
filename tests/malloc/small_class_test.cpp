#include <catch2/catch.hpp>

#include <algorithm>

#include "ashlar/malloc/small_class.hpp"

using namespace ashlar;

TEST_CASE("small_class: the table says what the arithmetic says", "[malloc][small_class]") {
    for (std::size_t n = 0; n <= malloc::small_class_limit; ++n) {
        if (malloc::small_class(n) != class_of_size(std::max<std::size_t>(n, 1))) FAIL("size " << n);  // small_class.I1
    }
}
