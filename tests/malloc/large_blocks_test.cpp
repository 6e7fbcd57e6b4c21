#include "ashlar/malloc/large_blocks.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
constexpr std::size_t MiB = 1 << 20;
struct large_fixture {
    pages_type pages;
    large_blocks<pages_type> large;
    mapping take(std::size_t size) { return large.take(pages, size, pages.page_size(), false); }
    void give(const mapping& m, std::size_t limit, std::uint64_t now = 1) {
        large.give(pages, m.data, m.size, limit, now);
    }
    ~large_fixture() {
        pages.heal();
        large.drop_all(pages);
        CHECK(pages.balanced());
    }
};
}  // namespace

TEST_CASE("large_blocks: a freed mapping is used again, fitted to the new size", "[malloc][large_blocks]") {
    large_fixture f;
    const mapping a = f.take(8 * MiB);
    CHECK(a.zero);
    CHECK(f.pages.is_committed(a.data, a.size));  // large_blocks.I2
    f.give(a, 64 * MiB);
    CHECK(f.large.cached() == 8 * MiB);
    for (const std::size_t size : {8 * MiB, 6 * MiB, 12 * MiB}) {
        const std::size_t before = f.pages.calls(page_call::reserve);
        const mapping b = f.take(size);
        REQUIRE(b.data != nullptr);
        CHECK(b.size == size);
        CHECK_FALSE(b.zero);
        CHECK(f.pages.calls(page_call::reserve) == before);
        CHECK(f.pages.is_committed(b.data, size));
        f.give(b, 64 * MiB);
    }
}

TEST_CASE("large_blocks: the cache stays below its limit, and gives the oldest back first", "[malloc][large_blocks]") {
    large_fixture f;
    std::vector<mapping> all;
    for (int i = 0; i < 30; ++i) all.push_back(f.take(5 * MiB));
    for (std::size_t i = 0; i < all.size(); ++i) {
        f.give(all[i], 32 * MiB, i + 1);
        CHECK(f.large.cached() <= 32 * MiB);  // large_blocks.I1
    }
    CHECK(f.pages.is_reserved(all.back().data, all.back().size));
    CHECK_FALSE(f.pages.is_reserved(all.front().data, all.front().size));
    f.large.drop_older(f.pages, 100);
    CHECK(f.large.cached() == 0);
    CHECK(f.pages.balanced());
}

TEST_CASE("large_blocks: nothing is cached where the limit is 0", "[malloc][large_blocks]") {
    large_fixture f;
    f.give(f.take(5 * MiB), 0);
    CHECK(f.pages.balanced());
}

TEST_CASE("large_blocks: refused calls leave everything as it was", "[malloc][large_blocks]") {
    large_fixture f;
    const mapping a = f.take(5 * MiB);
    for (const auto call : {page_call::reserve, page_call::commit}) {
        f.pages.fail(call, 1, lasting::onwards);
        CHECK(f.take(7 * MiB).data == nullptr);
        f.pages.fail(page_call::remap, 1);
        CHECK(f.large.resize(f.pages, a.data, a.size, 9 * MiB).data == nullptr);
        f.pages.heal();
        CHECK(f.large.live() == 5 * MiB);
        CHECK(f.pages.is_committed(a.data, a.size));
    }
    f.pages.fail(page_call::release, 1, lasting::onwards);
    f.give(a, 0);  // the system does not take it: kept for another time
    CHECK(f.large.live() == 0);
    CHECK(f.large.cached() == 5 * MiB);
    f.pages.heal();
    f.large.drop_all(f.pages);
    CHECK(f.pages.balanced());
}

TEST_CASE("large_blocks: a cached mapping makes way when address space is short", "[malloc][large_blocks]") {
    large_fixture f;
    f.pages.limit(20 * MiB);
    f.give(f.take(12 * MiB), 64 * MiB);
    f.pages.fail(page_call::remap, 1);  // it cannot be fitted either
    const mapping b = f.take(18 * MiB);
    CHECK(b.data != nullptr);
    f.give(b, 0);
}
