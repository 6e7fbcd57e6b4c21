#include "ashlar/strategy/page.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "ashlar/os/failing_pages.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"
#include "support/watched_pages.hpp"

using namespace ashlar;
using os::failing_pages;
using os::page_call;

TEST_CASE("page: every block is whole pages, at any alignment", "[strategy][page]") {
    for (const std::size_t unit : {std::size_t{0}, std::size_t{16384}, std::size_t{65536}}) {
        failing_pages<> pages(unit);
        page a{ref(pages)};
        for (std::size_t align = 1; align <= 1u << 24; align *= 4) {
            const auto l = *layout::make(pages.page_size() + 1, align);
            const auto b = a.allocate(l);
            REQUIRE(b);
            CHECK(is_aligned(b->data, align));
            CHECK(b->size == 2 * pages.page_size());
            std::memset(b->data, 1, b->size);
            a.deallocate(b->data, l);
        }
        CHECK(pages.balanced());
    }
}

TEST_CASE("page: serves random traces and gives every page back", "[strategy][page]") {
    for (const std::size_t unit : {std::size_t{0}, std::size_t{65536}}) {
        failing_pages<> pages(unit);
        page a{ref(pages)};
        {
            support::random_trace trace(a, 7, {.steps = 400, .largest = 40'000, .align_exponents = 18});
            CHECK(trace.run() == 0);
        }
        CHECK(pages.balanced());
    }
}

TEST_CASE("page: whichever call is refused, nothing is lost and the block is as it was", "[strategy][page]") {
    for (const auto how : {os::lasting::once, os::lasting::onwards}) {
        for (std::size_t n = 1; n <= 12; ++n) {
            failing_pages<> pages;
            page a{ref(pages)};
            const auto l = *layout::make(3 * pages.page_size(), 1), longer = *layout::make(9 * pages.page_size(), 1);
            const auto shorter = *layout::make(pages.page_size(), 1);
            pages.fail(n, how);
            auto now = l;
            if (auto b = a.allocate(l)) {
                b->data[0] = std::byte{5};
                const auto refused_before = pages.refusals();
                if (const auto c = a.reallocate(b->data, l, longer, l.size())) {
                    b = c, now = longer;
                } else {
                    CHECK(pages.refusals() > refused_before);
                }
                CHECK(b->data[0] == std::byte{5});
                if (const auto c = a.shrink_in_place(b->data, now, shorter)) b = c, now = shorter;
                CHECK(b->data[0] == std::byte{5});
                pages.heal();
                a.deallocate(b->data, now);
            } else {
                pages.heal();
            }
            if (how == os::lasting::once) CHECK(pages.balanced());
            CHECK(pages.committed_bytes() == 0);
        }
    }
}

TEST_CASE("page: a release that the kernel refuses gives at least the memory back", "[strategy][page]") {
    failing_pages<> pages;
    page a{ref(pages)};
    const auto l = *layout::make(1, 1);
    const auto b = *a.allocate(l);
    pages.fail(page_call::release, 1);
    a.deallocate(b.data, l);
    CHECK(pages.committed_bytes() == 0);
    CHECK(pages.reserved_bytes() == pages.page_size());
    REQUIRE(pages.release(b.data, pages.page_size()));
}

TEST_CASE("page: fresh pages are zero, also where pages were used before", "[strategy][page]") {
    page<> a;
    const auto l = *layout::make(20'000, 64);
    for (int i = 0; i < 3; ++i) {
        const auto b = *a.allocate_zeroed(l);
        CHECK(std::all_of(b.data, b.end(), [](std::byte x) { return x == std::byte{0}; }));
        std::memset(b.data, 0xff, b.size);
        a.deallocate(b.data, l);
    }
}

TEST_CASE("page: grows within its last page where it stands, and keeps what it cannot grow", "[strategy][page]") {
    failing_pages<> pages;
    page a{ref(pages)};
    const auto unit = pages.page_size();
    const auto l = *layout::make(10, 1);
    const auto b = *a.allocate(l);
    const auto calls = pages.calls();
    CHECK(a.grow_in_place(b.data, l, *layout::make(unit, 1))->data == b.data);
    CHECK(pages.calls() == calls);
    pages.fail(page_call::remap, 1);
    CHECK_FALSE(a.grow_in_place(b.data, *layout::make(unit, 1), *layout::make(unit + 1, 1)));
    a.deallocate(b.data, *layout::make(unit, 1));
    CHECK(pages.balanced());
}

TEST_CASE("page: reallocate at an alignment above the page keeps it", "[strategy][page]") {
    failing_pages<> pages;
    page a{ref(pages)};
    const std::size_t align = 1 << 20;
    const auto l = *layout::make(10, align), more = *layout::make(300'000, align);
    const auto b = *a.allocate(l);
    b.data[9] = std::byte{77};
    const auto moved = a.reallocate(b.data, l, more, 10);
    REQUIRE(moved);
    CHECK(is_aligned(moved->data, align));
    CHECK(moved->data[9] == std::byte{77});
    a.deallocate(moved->data, more);
    CHECK(pages.balanced());
}

TEST_CASE("page: an impossible request is refused", "[strategy][page]") {
    page<> a;
    CHECK_FALSE(a.allocate(*layout::make(layout::max_size, 1)));
    CHECK_FALSE(a.allocate(*layout::make(1, std::size_t{1} << 62)));
}

TEST_CASE("page: giving back what does not begin at a page breaks the contract", "[strategy][page]") {
    page<> a;
    const auto l = *layout::make(100, 1);
    const auto b = *a.allocate(l);
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(b.data + 16, l); }).empty());
    CHECK_FALSE(support::broken_contract([&] { static_cast<void>(a.allocate(*layout::make(0, 1))); }).empty());
    a.deallocate(b.data, l);
}

ASHLAR_ENROL("page", [](testing::ground& g) { return page<os::failing_pages<>>(tests::watched_pages(g)); });
