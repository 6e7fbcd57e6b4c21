#include "ashlar/malloc/slice_region.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
struct region {
    explicit region(std::size_t slices, std::uintptr_t base = 0x10'0000'0000)
        : words(slice_region::table_bytes(slices) / 8 + 1), r(reinterpret_cast<std::byte*>(base), slices, words.data()) {}
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
    f.r.give(5, 5, 5 * slice_size);
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
    std::vector<char> used(slices, 0);
    std::vector<std::size_t> touched(slices, 0);
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
            for (std::size_t k = at; k < at + n; ++k) were += touched[k], used[k] = 1;
            if (f.r.take(at, n) != were) FAIL("touched bytes miscounted");
        } else {
            std::size_t from = next.below(slices), to = from;
            while (to < slices && used[to] != 0 && to - from < n) ++to;
            if (from == to) continue;
            std::size_t written = next.below((to - from) * 16 + 1) * grain_size, now = 0;
            const std::size_t first = from, all = written;
            if (next.below(4) == 0) {
                f.r.forget(from, to - from);
                for (std::size_t k = from; k < to; ++k) touched[k] = 0;
            }
            for (; from < to; ++from) {
                const std::size_t here = std::min(written, slice_size);
                written -= here;
                used[from] = 0, touched[from] = std::max(touched[from], here), now += touched[from];
            }
            if (f.r.give(first, to - first, all) != now) FAIL("touched bytes miscounted");
        }
        std::size_t free_now = 0, dirty_now = 0, lowest_dirty = slice_region::none;
        for (std::size_t k = slices; k-- != 0;) {
            if (used[k] != 0) continue;
            ++free_now, dirty_now += touched[k];
            if (touched[k] != 0) lowest_dirty = k;
        }
        if (f.r.free_count() != free_now || f.r.dirty_bytes() != dirty_now) FAIL("counts");  // slice_region.I2
        if (f.r.find_dirty() != lowest_dirty) FAIL("dirty");                                   // slice_region.I1
    }
}

TEST_CASE("slice_region: only slices dirty at the last sweep are old", "[malloc][slice_region]") {
    region f(100);
    f.r.take(0, 20);
    f.r.give(2, 4, 4 * slice_size);
    std::size_t at = 0, touched = 0;
    CHECK(f.r.take_dirty(true, 64, at, touched) == 0);  // slice_region.I1: nothing is old yet
    f.r.age();
    f.r.give(10, 2, slice_size + 1);
    CHECK(f.r.take_dirty(true, 3, at, touched) == 3);
    CHECK(at == 3);
    CHECK(f.r.take_dirty(true, 64, at, touched) == 1);
    CHECK(f.r.take_dirty(true, 64, at, touched) == 0);
    CHECK(f.r.take_dirty(false, 64, at, touched) == 2);
    CHECK(at == 10);
    CHECK(touched == slice_size + grain_size);
    f.r.forget(10, 2);
    f.r.give(10, 2, 0);  // purged: it reads as zero again (slice_region.I3)
    CHECK(f.r.dirty_bytes() == 0);
}

TEST_CASE("slice_region: of a run in use what lies behind its first bytes can be forgotten", "[malloc][slice_region]") {
    region f(8);
    f.r.take(0, 3);
    f.r.give(0, 3, 3 * slice_size);
    f.r.take(0, 3);
    f.r.forget_behind(0, 3, 4 * grain_size);
    CHECK(f.r.give(0, 3, 0) == 4 * grain_size);
    f.r.take(0, 1);
    f.r.forget_behind(0, 1, slice_size);  // nothing lies behind
    CHECK(f.r.give(0, 1, 0) == 4 * grain_size);
}

TEST_CASE("slice_region: what is purged first is what would be needed last", "[malloc][slice_region]") {
    region f(200);
    f.r.take(0, 200);
    for (const std::size_t from : {0u, 60u, 126u, 190u}) f.r.give(from, 5, 5 * slice_size);
    std::size_t at = 0, touched = 0;
    for (const std::size_t from : {190u, 126u, 60u}) {
        CHECK(f.r.has_dirty(false));
        CHECK(f.r.take_dirty(false, 64, at, touched) == 5);
        CHECK(at == from);
        CHECK(f.r.find(5, 1) == 0);
    }
    CHECK_FALSE(f.r.has_dirty(true));
}

TEST_CASE("slice_region: the free end can be cut off, and the record begin again", "[malloc][slice_region]") {
    region f(100);
    slice_region& r = f.r;
    r.take(0, 40);
    r.give(30, 10, 10 * slice_size);
    CHECK(r.free_end() == 70);
    CHECK(r.cut(70) == 10 * slice_size);
    CHECK(r.slices() == 30);
    CHECK(r.dirty_bytes() == 0);
    CHECK(r.find(1, slice_size) == slice_region::none);
    CHECK(r.free_end() == 0);
    r.give(0, 30, 0);
    CHECK(r.cut(30) == 0);
    r.begin_again(r.base(), 80);
    CHECK(r.find(80, slice_size) == 0);
    CHECK_FALSE(r.is_free(0, 81));
    CHECK(r.take(0, 80) == 0);
    CHECK(r.free_count() == 0);
}

TEST_CASE("slice_region: a single old slice counts as one, at either end", "[malloc][slice_region]") {
    for (const std::size_t where : {0u, 7u}) {
        region f(8);
        f.r.take(0, 8);
        f.r.give(where, 1, slice_size);
        CHECK_FALSE(f.r.has_dirty(true));
        f.r.age();
        CHECK(f.r.has_dirty(true));
    }
}

TEST_CASE("slice_region: it contains the bytes of its slices and no others, and begins anew in no list", "[malloc][slice_region]") {
    region f(5);
    std::byte* const base = f.r.base();
    CHECK((f.r.contains(base) && f.r.contains(base + 5 * slice_size - 1)));
    CHECK_FALSE(f.r.contains(base + 5 * slice_size));
    CHECK_FALSE(f.r.contains(base - 1));
    CHECK(f.r.cut(f.r.free_end()) == 0);
    f.r.next = &f.r;
    f.r.begin_again(base, 5);
    CHECK(f.r.next == nullptr);
}
