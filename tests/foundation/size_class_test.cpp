#include <catch2/catch.hpp>

#include "ashlar/foundation/size_class.hpp"

using namespace ashlar;

TEST_CASE("size_class: every size lies in the smallest class that holds it", "[foundation][size_class]") {
    for (std::size_t size = 1; size <= size_class_max; ++size) {
        const std::size_t index = class_of_size(size);
        if (index >= size_class_count || size_of_class(index) < size) FAIL("too small for " << size);
        if (index != 0 && size_of_class(index - 1) >= size) FAIL("not the smallest for " << size);  // size_class.I1
    }
}

TEST_CASE("size_class: rounding wastes below 16 bytes, then a quarter", "[foundation][size_class]") {
    for (std::size_t size = 1; size <= size_class_max; ++size) {
        const std::size_t waste = size_of_class(class_of_size(size)) - size;
        if (size <= 128 ? waste >= 16 : waste * 4 >= size) FAIL("waste " << waste << " for " << size);
    }
}

TEST_CASE("size_class: the sizes of classes rise and are multiples of 16", "[foundation][size_class]") {
    for (std::size_t index = 0; index < size_class_count; ++index) {
        CHECK(size_of_class(index) % size_class_step == 0);  // size_class.I3
        if (index != 0) CHECK(size_of_class(index - 1) < size_of_class(index));
        CHECK(class_of_size(size_of_class(index)) == index);
    }
}

TEST_CASE("size_class: an aligned request gets the first class that is a multiple of the alignment",
          "[foundation][size_class]") {
    for (std::size_t alignment = 1; alignment <= size_class_max; alignment *= 2) {
        for (std::size_t size = 1; size <= size_class_max; size += size < 4096 ? 1 : 61) {
            const std::size_t index = class_of_aligned_size(size, alignment);
            if (index >= size_class_count) FAIL("no class for " << size << " at " << alignment);
            const std::size_t granted = size_of_class(index);
            if (granted < size || granted % alignment != 0) FAIL("class " << granted << " for " << size);
            for (std::size_t below = class_of_size(size); below < index; ++below) {
                if (size_of_class(below) % alignment == 0) FAIL("a smaller class would do for " << size);
            }
        }
    }
}

TEST_CASE("size_class: the arithmetic also runs on 32-bit words", "[foundation][size_class]") {
    STATIC_REQUIRE(class_of_size(std::uint32_t{129}) == 8u);
    STATIC_REQUIRE(size_of_class(std::uint32_t{8}) == 160u);
}
