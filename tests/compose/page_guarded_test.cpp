#include "ashlar/compose/page_guarded.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <string>

#include "ashlar/testing/attempt.hpp"
#include "support/erased_laws.hpp"
#include "support/in_child.hpp"
#include "support/watched_pages.hpp"

using namespace ashlar;

namespace {
std::byte* opaque(std::byte* p) {
    asm volatile("" : "+r"(p));
    return p;
}
/// What kills a child that does that; SIGSEGV is what the pages are for.
template <class Act>
int killed_by(Act act) {
    return support::in_child([&] {
               std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would report it and exit by itself
               act();
               return 0;
           }).signal;
}
}  // namespace

TEST_CASE("page_guarded: the byte behind a block faults, its own bytes do not", "[compose][page_guarded]") {
    page_guarded<> a;
    for (const std::size_t size : {1U, 16U, 4096U, 5000U}) {
        const layout l = *layout::make(size, 1);
        const auto b = a.allocate(l);
        REQUIRE(b);
        opaque(b->data)[size - 1] = std::byte{1};
        CHECK(killed_by([&] { opaque(b->data)[size] = std::byte{1}; }) == SIGSEGV);
        a.deallocate(b->data, l);
    }
}

TEST_CASE("page_guarded: a freed block faults when it is read", "[compose][page_guarded]") {
    page_guarded<> a;
    const layout l = *layout::make(64, 16);
    const auto b = a.allocate(l);
    REQUIRE(b);
    a.deallocate(b->data, l);
    CHECK(killed_by([&] { static_cast<void>(*const_cast<volatile std::byte*>(opaque(b->data))); }) == SIGSEGV);
}

TEST_CASE("page_guarded: a write into the gap that the alignment leaves is reported at the free", "[compose][page_guarded]") {
    page_guarded<> a;
    const layout l = *layout::make(20, 16);
    const auto b = a.allocate(l);
    REQUIRE(b);
    opaque(b->data)[20] = std::byte{0};
    const auto seen = testing::attempt([&] { a.deallocate(b->data, l); });
    REQUIRE(seen);
    CHECK(std::string(seen->condition).find("written past the block of 20 bytes at 0x") == 0);
    opaque(b->data)[20] = std::byte{0xfd};
    a.deallocate(b->data, l);
}

TEST_CASE("page_guarded: alignments above a page are kept, and absurd sizes are refused", "[compose][page_guarded]") {
    page_guarded<> a;
    const layout l = *layout::make(100, std::size_t{1} << 20);
    const auto b = a.allocate(l);
    REQUIRE(b);
    CHECK(is_aligned(b->data, l.align()));
    a.deallocate(b->data, l);
    CHECK_FALSE(a.allocate(*layout::make(layout::max_size, 1)).has_value());
    CHECK_FALSE(a.allocate(*layout::make(1, std::size_t{1} << 62)).has_value());
}

ASHLAR_ENROL_ERASED("page_guarded", [](testing::ground& g) {
    return page_guarded<os::failing_pages<>, 2>(tests::watched_pages(g));
});
