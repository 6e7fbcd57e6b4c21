#include "ashlar/testing/script.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace ashlar;
using namespace ashlar::testing;

TEST_CASE("script: any bytes decode, and zeros ask for one byte", "[testing][script]") {
    const std::vector<std::uint8_t> bytes{1, 2, 3, 4, 5};
    const script acts = decode(bytes);
    REQUIRE(acts.size() == 2);
    CHECK(acts[0] == act{1, 2, 3, 4});
    CHECK(acts[1] == act{5, 0, 0, 0});
    CHECK(encode(acts) == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 0, 0, 0});
    CHECK(kind_of({}) == act_kind::allocate);
    CHECK(layout_of({}) == *layout::make(1, 1));
}

TEST_CASE("script: every kind of act, class border and huge size can be said", "[testing][script]") {
    std::set<act_kind> kinds;
    std::set<std::size_t> sizes, aligns;
    for (unsigned code = 0; code < 256; ++code) {
        const auto byte = static_cast<std::uint8_t>(code);
        kinds.insert(kind_of({byte, 0, 0, 0}));
        const layout l = layout_of({0, byte, 0, 0});
        CHECK(l.size() > 0);
        sizes.insert(l.size());
        aligns.insert(layout_of({0, 0, byte, 0}).align());
    }
    CHECK(kinds.size() == 10);
    for (std::size_t k = 5; k < 17; ++k) {
        const std::size_t border = std::size_t{1} << k;
        CHECK((sizes.count(border - 1) + sizes.count(border) + sizes.count(border + 1)) == 3);
    }
    CHECK(sizes.count(layout::max_size) == 1);
    CHECK(*aligns.rbegin() == std::size_t{1} << 18);
    CHECK(aligns.count(4096) == 1);
}

TEST_CASE("script: the same seed is the same script", "[testing][script]") {
    CHECK(random_script(5, 20) == random_script(5, 20));
    CHECK(random_script(5, 20) != random_script(6, 20));
    CHECK(decode(encode(random_script(9, 30))) == random_script(9, 30));
}

TEST_CASE("script: a smaller byte is a plainer act", "[testing][script]") {
    // script.I1: zero is the plainest of each field
    CHECK(kind_of({0, 9, 9, 9}) == act_kind::allocate);
    CHECK(size_of({0, 0, 0, 0}) == 1);
    CHECK(align_of({0, 0, 0, 0}) == 1);
    for (unsigned code = 1; code < 128; ++code) {
        CHECK(size_of({0, static_cast<std::uint8_t>(code), 0, 0}) > size_of({0, static_cast<std::uint8_t>(code - 1), 0, 0}));
    }
}
