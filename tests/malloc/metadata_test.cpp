#include "ashlar/malloc/metadata.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("metadata: records do not overlap and keep their alignment", "[malloc][metadata]") {
    pages_type pages;
    metadata<pages_type> meta;
    std::byte* previous = nullptr;
    std::size_t previous_size = 0;
    numbers next(1);
    for (int i = 0; i < 5000; ++i) {
        const std::size_t size = 1 + next.below(700);
        const std::size_t align = std::size_t{1} << next.below(7);
        std::byte* p = meta.take(pages, size, align);
        REQUIRE(p != nullptr);
        if (!ashlar::is_aligned(p, align)) FAIL("misaligned");
        if (!pages.is_committed(p, 1) || !pages.is_committed(p + size - 1, 1)) FAIL("outside of a chunk");
        if (previous != nullptr && p > previous && p < previous + previous_size) FAIL("overlap");  // metadata.I1
        if (!all_bytes(p, size, 0)) FAIL("not zero");
        p[size - 1] = std::byte{1};
        previous = p;
        previous_size = size;
    }
    meta.destroy(pages);
    CHECK(pages.balanced());
}

TEST_CASE("metadata: a refused chunk changes nothing", "[malloc][metadata]") {
    for (const auto call : {page_call::reserve, page_call::commit}) {
        pages_type pages;
        metadata<pages_type> meta;
        pages.fail(call, 1, lasting::onwards);
        CHECK(meta.take(pages, 100, 8) == nullptr);
        CHECK(pages.balanced());
        pages.heal();
        CHECK(meta.take(pages, 100, 8) != nullptr);
        meta.destroy(pages);
        CHECK(pages.balanced());
    }
}

TEST_CASE("metadata: a record larger than a chunk gets a chunk of its size", "[malloc][metadata]") {
    pages_type pages;
    metadata<pages_type> meta;
    std::byte* p = meta.take(pages, 3 << 20, 64);
    REQUIRE(p != nullptr);
    p[(3 << 20) - 1] = std::byte{1};
    meta.destroy(pages);
    CHECK(pages.balanced());
}
