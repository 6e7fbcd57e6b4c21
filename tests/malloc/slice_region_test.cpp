#include "ashlar/malloc/slice_region.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
struct region {
    explicit region(std::size_t slices, std::uintptr_t base = 0x10'0000'0000)
        : words(slice_region::bitmap_bytes(slices) / 8), r(reinterpret_cast<std::byte*>(base), slices, words.data()) {}
    std::vector<std::uint64_t> words;
    slice_region r;
};
}  // namespace

TEST_CASE("slice_region: the lowest run that fits is found", "[malloc][slice_region]") {
    region f(200);
    CHECK(f.r.find(200, slice_size) == 0);
    CHECK(f.r.find(201, slice_size) == slice_region::none);
    f.r.take(0, 10);
    f.r.take(12, 100);
    CHECK(f.r.find(2, slice_size) == 10);
    CHECK(f.r.find(3, slice_size) == 112);
    CHECK(f.r.free_count() == 90);
    f.r.give(5, 5, true);
    CHECK(f.r.find(7, slice_size) == 5);
    CHECK(f.r.find_dirty() == 5);
}

TEST_CASE("slice_region: a run starts at a multiple of the alignment asked for", "[malloc][slice_region]") {
    region f(100, 0x10'0003'0000);  // the third slice of a MiB
    f.r.take(0, 1);
    const std::size_t at = f.r.find(4, 16 * slice_size);
    REQUIRE(at != slice_region::none);
    CHECK(reinterpret_cast<std::uintptr_t>(f.r.address_of(at)) % (16 * slice_size) == 0);
    CHECK(f.r.find(1, 4096 * slice_size) == slice_region::none);
}

TEST_CASE("slice_region: random takes and gives agree with a plain array", "[malloc][slice_region]") {
    constexpr std::size_t slices = 300;
    region f(slices);
    std::vector<char> used(slices, 0), dirty(slices, 0);
    numbers next(2);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t n = 1 + next.below(9);
        std::size_t expected = slice_region::none;
        for (std::size_t at = 0; at + n <= slices && expected == slice_region::none; ++at) {
            bool fits = true;
            for (std::size_t k = 0; k < n; ++k) fits = fits && used[at + k] == 0;
            if (fits) expected = at;
        }
        const std::size_t at = f.r.find(n, slice_size);
        if (at != expected) FAIL("found " << at << " instead of " << expected);
        if (at != slice_region::none && next.below(2) == 0) {
            std::size_t were = 0;
            for (std::size_t k = at; k < at + n; ++k) were += static_cast<std::size_t>(dirty[k]), used[k] = 1, dirty[k] = 0;
            if (f.r.take(at, n) != were) FAIL("dirty slices miscounted");
        } else {
            std::size_t from = next.below(slices), to = from;
            while (to < slices && used[to] != 0 && to - from < n) ++to;
            if (from == to) continue;
            const bool soiled = next.below(2) == 0;
            f.r.give(from, to - from, soiled);
            for (; from < to; ++from) used[from] = 0, dirty[from] = soiled ? 1 : 0;
        }
        std::size_t free_now = 0, dirty_now = 0;
        for (std::size_t k = 0; k < slices; ++k) free_now += used[k] == 0 ? 1u : 0u, dirty_now += dirty[k] != 0 ? 1u : 0u;
        if (f.r.free_count() != free_now || f.r.dirty_count() != dirty_now) FAIL("counts");  // slice_region.I2
    }
}

TEST_CASE("slice_region: only slices dirty at the last sweep are old", "[malloc][slice_region]") {
    region f(100);
    f.r.take(0, 20);
    f.r.give(2, 4, true);
    std::size_t at = 0;
    CHECK(f.r.take_dirty(true, 64, at) == 0);  // slice_region.I1: nothing is old yet
    f.r.age();
    f.r.give(10, 2, true);
    CHECK(f.r.take_dirty(true, 3, at) == 3);
    CHECK(at == 3);
    CHECK(f.r.take_dirty(true, 64, at) == 1);
    CHECK(f.r.take_dirty(true, 64, at) == 0);
    CHECK(f.r.take_dirty(false, 64, at) == 2);
    CHECK(at == 10);
    f.r.give(10, 2, false);  // purged: it reads as zero again (slice_region.I3)
    CHECK(f.r.dirty_count() == 0);
}

TEST_CASE("slice_region: what is purged first is what would be needed last", "[malloc][slice_region]") {
    region f(200);
    f.r.take(0, 200);
    for (const std::size_t from : {0u, 60u, 126u, 190u}) f.r.give(from, 5, true);
    std::size_t at = 0;
    for (const std::size_t from : {190u, 126u, 60u}) {
        CHECK(f.r.has_dirty(false));
        CHECK(f.r.take_dirty(false, 64, at) == 5);
        CHECK(at == from);
        CHECK(f.r.find(5, 1) == 0);
    }
    CHECK_FALSE(f.r.has_dirty(true));
}
