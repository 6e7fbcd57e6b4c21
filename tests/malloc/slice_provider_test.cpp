#include "ashlar/malloc/slice_provider.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
struct provider_fixture {
    pages_type pages;
    metadata<pages_type> meta;
    slice_provider<pages_type> slices;
    slice_run take(std::size_t n, std::size_t align = slice_size) { return slices.take(pages, meta, n, align); }
    ~provider_fixture() {
        pages.heal();
        slices.destroy(pages);
        meta.destroy(pages);
        CHECK(pages.balanced());
    }
};
}  // namespace

TEST_CASE("slice_provider: runs are committed, zero at first, and counted", "[malloc][slice_provider]") {
    provider_fixture f;
    const slice_run a = f.take(3);
    REQUIRE(a.data != nullptr);
    CHECK(a.touched == 0);
    CHECK(f.pages.is_committed(a.data, 3 * slice_size));
    CHECK(all_bytes(a.data, 3 * slice_size, 0));  // slice_provider.I2
    CHECK(f.slices.used() == 3);                  // slice_provider.I1
    a.data[5] = std::byte{1};
    f.slices.give(a.data, 3, slice_size + 1);
    CHECK(f.slices.dirty() == slice_size + grain_size);
    const slice_run b = f.take(3);
    CHECK(b.data == a.data);
    CHECK(b.touched == slice_size + grain_size);
    f.slices.give(b.data, 3, 0);
    CHECK(f.slices.dirty() == slice_size + grain_size);
}

TEST_CASE("slice_provider: one slice is taken where memory is resident already", "[malloc][slice_provider]") {
    provider_fixture f;
    const slice_run a = f.take(1), b = f.take(1), c = f.take(1);
    f.slices.give(a.data, 1, 0);
    f.slices.give(b.data, 1, 1);
    CHECK(f.take(1).data == b.data);
    CHECK(f.take(1).data == a.data);
    f.slices.give(c.data, 1, 1);
}

TEST_CASE("slice_provider: regions are added as the program grows, and refused as a value", "[malloc][slice_provider]") {
    provider_fixture f;
    std::vector<slice_run> runs;
    for (int i = 0; i < 20; ++i) {
        runs.push_back(f.take(64));
        REQUIRE(runs.back().data != nullptr);
    }
    CHECK(f.slices.reserved() >= 20 * 64 * slice_size);
    for (const auto call : {page_call::reserve, page_call::commit}) {
        f.pages.fail(call, 1, lasting::onwards);
        std::size_t got = 0;
        while (f.take(64).data != nullptr) ++got;
        CHECK(got <= 512);
        const std::size_t used = f.slices.used();
        CHECK(f.take(64).data == nullptr);
        CHECK(f.slices.used() == used);
        f.pages.heal();
    }
    CHECK(f.take(64).data != nullptr);
}

TEST_CASE("slice_provider: a large reservation that is refused is halved until it fits", "[malloc][slice_provider]") {
    provider_fixture f;
    f.pages.limit(5 << 20);
    const slice_run run = f.take(16);
    CHECK(run.data != nullptr);
    CHECK(f.slices.reserved() < std::size_t{5} << 20);
}

TEST_CASE("slice_provider: a run grows in place only into free slices", "[malloc][slice_provider]") {
    provider_fixture f;
    const slice_run a = f.take(2), b = f.take(2);
    CHECK_FALSE(f.slices.extend(f.pages, a.data, 2, 3));
    f.slices.give(b.data, 2, 0);
    REQUIRE(f.slices.extend(f.pages, a.data, 2, 4));
    CHECK(f.slices.used() == 4);
}

TEST_CASE("slice_provider: a purge that fails leaves its slices dirty", "[malloc][slice_provider]") {
    provider_fixture f;
    const slice_run a = f.take(4);
    f.slices.give(a.data, 4, 4 * slice_size);
    const slice_run taken = f.slices.start_purge(false, 64);
    CHECK(taken.count == 4);
    CHECK(f.slices.dirty() == 0);
    f.slices.finish_purge(taken, false);
    CHECK(f.slices.dirty() == 4 * slice_size);
    f.slices.finish_purge(f.slices.start_purge(false, 64), true);
    CHECK(f.slices.dirty() == 0);
    CHECK(f.slices.used() == 0);
}

TEST_CASE("slice_provider: address space that is free at the ends of regions can be given back, and had again",
          "[malloc][slice_provider]") {
    provider_fixture f;
    const slice_run first = f.take(2);
    std::vector<slice_run> runs;
    for (int i = 0; i < 20; ++i) runs.push_back(f.take(64));
    for (const slice_run& run : runs) f.slices.give(run.data, run.count, run.count * slice_size);
    CHECK(f.slices.give_back_space(f.pages) > 20 * 63 * slice_size);
    CHECK(f.slices.reserved() == 2 * slice_size);  // the first run is where it was
    CHECK(f.slices.dirty() == 0);
    CHECK(f.pages.is_committed(first.data, 2 * slice_size));
    for (int i = 0; i < 50; ++i) {
        const slice_run again = f.take(64);
        REQUIRE(again.data != nullptr);
        CHECK(again.touched == 0);
        f.slices.give(again.data, 64, 64 * slice_size);
        f.slices.give_back_space(f.pages);
    }
    CHECK(f.meta.reserved() <= std::size_t{512} << 10);  // records of regions that went are used again
    f.slices.give(first.data, 2, 0);
    f.slices.give_back_space(f.pages);
    CHECK(f.slices.reserved() == 0);
    CHECK(f.slices.regions() == nullptr);
    CHECK(f.take(1).data != nullptr);
}
