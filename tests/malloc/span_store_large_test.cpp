#include "ashlar/malloc/span_store_large.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
constexpr std::size_t MiB = 1 << 20;
}

TEST_CASE("span_store_large: blocks are runs to 4 MiB and mappings above", "[malloc][span_store_large]") {
    fixture f;
    span_type* run = f.store->take_large(4 * MiB, 1);
    span_type* own = f.store->take_large(4 * MiB + 1, 1);
    CHECK(run->kind == span_kind::run);
    CHECK(own->kind == span_kind::mapped);
    CHECK(run->reads_as_zero(0));
    CHECK(own->reads_as_zero(0));
    f.store->give_large(run);
    f.store->give_large(own);
    CHECK(f.spans() == 0);
}

TEST_CASE("span_store_large: a mapping whose place in the page map is refused is found all the same",
          "[malloc][span_store_large]") {
    fixture f;
    // The first reservation is the mapping, the second the leaf of the page map.
    f.store->give_large(f.store->take_large(5 * MiB, 1));
    f.store->trim();
    f.pages.fail(page_call::reserve, 2, lasting::onwards);
    span_type* s = f.store->take_large(std::size_t{6} << 30, 1);  // surely another leaf's, or found at once
    f.pages.heal();
    if (s != nullptr) {
        CHECK(f.store->find_slowly(s->start) == s);
        f.store->give_large(s);
    }
    CHECK(f.spans() == 0);
}

TEST_CASE("span_store_large: runs shrink and grow in place, and keep to their slices", "[malloc][span_store_large]") {
    fixture f;
    span_type* a = f.store->take_large(MiB, 1);
    span_type* b = f.store->take_large(MiB, 1);
    CHECK_FALSE(f.store->resize_large(a, 2 * MiB));  // b lies behind it
    CHECK(f.store->resize_large(a, MiB / 2));
    CHECK(f.store->find(a->start + MiB / 2)->kind == span_kind::none);
    CHECK(f.store->resize_large(a, MiB));
    CHECK(f.store->find(a->start + MiB - 1) == a);
    f.store->give_large(a);
    f.store->give_large(b);
    CHECK(f.store->slices().used() == 0);
}

TEST_CASE("span_store_large: a mapping that moves is found at its new place only", "[malloc][span_store_large]") {
    fixture f;
    span_type* s = f.store->take_large(5 * MiB, 1);
    s->start[0] = std::byte{9};
    for (int i = 1; i <= 6; ++i) {
        std::byte* const before = s->start;
        REQUIRE(f.store->resize_large(s, 5 * MiB << i));
        CHECK(s->start[0] == std::byte{9});
        CHECK(f.store->find(s->start) == s);
        if (s->start != before) CHECK(f.store->find(before)->kind == span_kind::none);
    }
    f.store->give_large(s);
}
