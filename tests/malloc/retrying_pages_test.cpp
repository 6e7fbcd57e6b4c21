#include "ashlar/malloc/retrying_pages.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("retrying_pages: what the system would not take back is tried again", "[malloc][retrying_pages]") {
    pages_type pages;
    retrying_pages<pages_type> retrying{ashlar::ref<pages_type>(pages)};
    const auto a = retrying.reserve(1 << 20, pages.page_size());
    const auto b = retrying.reserve(1 << 20, pages.page_size());
    REQUIRE(a);
    REQUIRE(b);
    pages.fail(page_call::release, 1, lasting::onwards);
    CHECK(retrying.release(a->data, a->size));
    CHECK(retrying.release(b->data, b->size));
    CHECK(pages.reserved_bytes() == 2 << 20);  // retrying_pages.I1
    pages.heal();
    CHECK(retrying.retry());
    CHECK(pages.balanced());
}

TEST_CASE("retrying_pages: it refuses when it can keep no more", "[malloc][retrying_pages]") {
    pages_type pages;
    retrying_pages<pages_type> retrying{ashlar::ref<pages_type>(pages)};
    std::vector<ashlar::block> blocks;
    for (std::size_t i = 0; i <= retrying.slots; ++i) blocks.push_back(*retrying.reserve(65536, 65536));
    pages.fail(page_call::release, 1, lasting::onwards);
    for (std::size_t i = 0; i < retrying.slots; ++i) CHECK(retrying.release(blocks[i].data, blocks[i].size));
    CHECK_FALSE(retrying.release(blocks.back().data, blocks.back().size));
    pages.heal();
    CHECK(retrying.release(blocks.back().data, blocks.back().size));
    CHECK(pages.balanced());
}
