#include "ashlar/compose/guarded.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "ashlar/testing/attempt.hpp"
#include "support/erased_laws.hpp"
#include "testing/specimen.hpp"

using namespace ashlar;
using tests::specimen;
using testing::attempt;

namespace {
const layout l24 = *layout::make(24, 8);

struct fixture {
    testing::ground g;
    specimen heap{g.upstream()};
    guarded<specimen, 2> a{heap};
    std::byte* block() { return a.allocate(l24)->data; }
};
// The compiler must not know where p points: it would warn of the misuse.
std::byte* opaque(std::byte* p) {
    asm volatile("" : "+r"(p));
    return p;
}
std::string at(const std::byte* p) {
    block_report r;
    r << p;
    return r.text();
}
template <class Act>
std::string report(Act act) {
    const auto seen = attempt(act);
    return seen ? seen->condition : "nothing";
}
}  // namespace

TEST_CASE("guarded: a write past either end is reported with the block's address and size", "[compose][guarded]") {
    fixture f;
    std::byte* const p = f.block();
    opaque(p)[24] ^= std::byte{1};
    CHECK(report([&] { f.a.deallocate(p, l24); }) == "written past the block of 24 bytes at " + at(p));
    CHECK(report([&] { f.a.check_all(); }) == "written past the block of 24 bytes at " + at(p));
    opaque(p)[24] ^= std::byte{1};
    opaque(p)[-1] ^= std::byte{1};
    CHECK(report([&] { static_cast<void>(f.a.grow_in_place(p, l24, *l24.resized(48))); }) ==
          "written before the block of 24 bytes at " + at(p));
    opaque(p)[-1] ^= std::byte{1};
    f.a.deallocate(p, l24);
    CHECK(report([&] { f.a.check_all(); }) == "nothing");
}

TEST_CASE("guarded: double frees, foreign pointers and wrong layouts are told apart, and harm nothing", "[compose][guarded]") {
    fixture f;
    std::byte* const p = f.block();
    std::byte* const q = f.block();
    f.a.deallocate(q, l24);
    CHECK(report([&] { f.a.deallocate(opaque(q), l24); }) == "double free of the block of 24 bytes at " + at(q));
    std::byte local[8];
    CHECK(report([&] { f.a.deallocate(opaque(local), l24); }) == "free of " + at(local) + ", where no live block begins");
    CHECK(report([&] { f.a.deallocate(opaque(p) + 8, l24); }) == "free of " + at(p + 8) + ", where no live block begins");
    CHECK(report([&] { f.a.deallocate(opaque(nullptr), l24); }) == "free of 0x0, where no live block begins");
    CHECK(report([&] { f.a.deallocate(p, *l24.resized(25)); }) ==
          "the block of 24 bytes at " + at(p) + ", aligned to 8, was given back as 25 bytes aligned to 8");
    CHECK(f.a.live_blocks() == 1);  // guarded.I1
    f.a.deallocate(p, l24);
    CHECK(f.a.live_blocks() == 0);
    f.a.trim();
    CHECK(f.g.managed().empty());
}

TEST_CASE("guarded: a write after the free is found when the block leaves quarantine", "[compose][guarded]") {
    fixture f;
    std::byte* const p = f.block();
    CHECK(std::to_integer<int>(p[0]) == guarded<specimen>::granted);
    f.a.deallocate(p, l24);
    CHECK(std::to_integer<int>(opaque(p)[23]) == guarded<specimen>::freed);  // guarded.I2
    opaque(p)[5] = std::byte{0};
    const std::string sentence = "use after free: byte 5 of the block of 24 bytes at " + at(p) + " was written";
    CHECK(report([&] { f.a.check_all(); }) == sentence);
    std::byte* const second = f.block();
    f.a.deallocate(second, l24);
    std::byte* const third = f.block();
    CHECK(report([&] { f.a.deallocate(third, l24); }) == sentence);
    opaque(p)[5] = std::byte{guarded<specimen>::freed};  // as if it had not been
    f.a.deallocate(third, l24);
}

TEST_CASE("guarded: what is left at the end can be listed", "[compose][guarded]") {
    fixture f;
    std::byte* const p = f.block();
    std::size_t leaked = 0;
    f.a.for_each_live([&](const std::byte* where, layout l) { leaked += where == p ? l.size() : 1000; });
    CHECK(leaked == 24);
    f.a.reset();
    CHECK(f.a.live_blocks() == 0);
}

ASHLAR_ENROL_ERASED("guarded", tests::erase([](testing::ground& g) {
    return guarded<specimen, 0>(g.keep<specimen>(g.upstream()));
}, false), testing::reports_misuse());
ASHLAR_ENROL_ERASED("guarded, with quarantine", tests::erase([](testing::ground& g) {
    return guarded<specimen, 3>(g.keep<specimen>(g.upstream()));
}, false), testing::reports_misuse());
