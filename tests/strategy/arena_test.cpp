#include "ashlar/strategy/arena.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/strategy/bump.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
using checked_pages = page<os::failing_pages<>>;
using paged_arena = arena<checked_pages>;

/// An arena on pages that count what is reserved.
struct watched {
    os::failing_pages<> pages{};
    checked_pages source{ref(pages)};
};
}  // namespace

TEST_CASE("arena: blocks follow one another, and a full chunk is followed by a longer one", "[strategy][arena]") {
    watched w;
    {
        paged_arena a(w.source, {.first_chunk = 4096});
        CHECK(w.pages.reserved_bytes() == 0);  // nothing is taken before it is needed
        const auto first = *a.allocate(of(100));
        CHECK(first.size == 112);
        CHECK(a.allocate(of(16, 16))->data == first.end());
        while (a.chunks() == 1) REQUIRE(a.allocate(of(100)));
        CHECK(w.pages.reserved_bytes() == 4096 + 8192);
        while (a.chunks() == 2) REQUIRE(a.allocate(of(100)));
        CHECK(w.pages.reserved_bytes() == 4096 + 8192 + 16384);
    }
    CHECK(w.pages.balanced());
}

TEST_CASE("arena: serves random traces; trimmed, nothing is held", "[strategy][arena]") {
    for (unsigned seed = 0; seed < 5; ++seed) {
        watched w;
        paged_arena a(w.source, {.first_chunk = 4096});
        support::random_trace trace(a, seed, {.steps = 2000, .largest = 9000, .align_exponents = 13});
        CHECK(trace.run() == 0);
        trace.free_all();
        CHECK(a.chunks() == 1);
        CHECK(a.oversize_blocks() == 0);
        a.trim();
        CHECK(a.chunks() == 0);
        CHECK(w.pages.balanced());
    }
}

TEST_CASE("arena: a borrowed buffer is served first, and never given back", "[strategy][arena]") {
    alignas(16) std::byte bytes[1024];
    watched w;
    {
        paged_arena a(w.source, {.first_chunk = 4096, .buffer = {bytes + 1, 1000}});
        const auto first = *a.allocate(of(900));
        CHECK((first.data > bytes && first.end() < bytes + 1001));
        CHECK(w.pages.reserved_bytes() == 0);
        const auto second = *a.allocate(of(900));
        CHECK(w.pages.reserved_bytes() == 4096);
        a.deallocate(second.data, of(900));
        a.deallocate(first.data, of(900));
        CHECK(a.allocate(of(900))->data == first.data);
        a.reset();
        CHECK(a.allocate(of(900))->data == first.data);  // LWG 3120: the buffer is used again
    }
    CHECK(w.pages.balanced());
    paged_arena tiny(w.source, {.buffer = {bytes, 8}});  // too short to serve from: as if there were none
    CHECK(tiny.allocate(of(16)));
}

TEST_CASE("arena: the last block grows, shrinks and is given back, also across a chunk's border", "[strategy][arena]") {
    arena<> a({.first_chunk = 4096});
    const auto first = *a.allocate(of(1000));
    const auto last = *a.allocate(of(1000));
    CHECK_FALSE(a.grow_in_place(first.data, of(1000), of(1009)));
    CHECK(a.grow_in_place(first.data, of(1000), of(1008)));
    CHECK(a.grow_in_place(last.data, of(1000), of(2000))->data == last.data);
    const auto room = a.room();
    const auto beyond = *a.allocate(of(3000));
    CHECK(a.chunks() == 2);
    a.deallocate(beyond.data, of(3000));
    CHECK(a.room() == room);  // back in the first chunk
    CHECK(a.allocate(of(3000))->data == beyond.data);  // and the second was kept
    CHECK(a.chunks() == 2);
    a.deallocate(beyond.data, of(3000));
    CHECK(a.shrink_in_place(last.data, of(2000), of(10))->size == 16);
    a.deallocate(last.data, of(10));
    const auto aligned = *a.allocate(of(64, 1024));
    CHECK(is_aligned(aligned.data, 1024));
    a.deallocate(aligned.data, of(64, 1024));
    CHECK(a.allocate(of(1))->data == last.data);  // the padding is free again
}

TEST_CASE("arena: an oversize block has an upstream block of its own, given back with it", "[strategy][arena]") {
    watched w;
    paged_arena a(w.source, {.first_chunk = 4096});
    const auto small = *a.allocate(of(4096));
    const std::size_t before = w.pages.reserved_bytes();
    for (int i = 0; i < 100; ++i) {  // P0089: in a pool on an arena just these were never used again
        const auto b = *a.allocate(of(8192, 64));
        CHECK(a.oversize_blocks() == 1);
        CHECK(a.owns(b.data + 8191));
        a.deallocate(b.data, of(8192, 64));
    }
    CHECK(w.pages.reserved_bytes() == before);
    const auto b = *a.allocate(of(8192));
    b.data[8191] = std::byte{9};
    const auto grown = reallocate(a, b.data, of(8192), of(50'000), 8192);
    REQUIRE(grown);
    CHECK(grown->data[8191] == std::byte{9});
    CHECK_FALSE(a.shrink_in_place(grown->data, of(50'000), of(100)));  // it would change hands
    CHECK(a.shrink_in_place(grown->data, of(50'000), of(5000)));
    CHECK_FALSE(a.grow_in_place(small.data, of(4096), of(4097)));
    CHECK_FALSE(a.allocate(of(layout::max_size)));
    CHECK_FALSE(a.allocate(of(1, std::size_t{1} << 62)));
    a.reset();
    CHECK(a.oversize_blocks() == 0);
    CHECK(w.pages.reserved_bytes() == before);
}

TEST_CASE("arena: an oversize block that stays one is moved by its upstream, and keeps its age", "[strategy][arena]") {
    static_assert(reallocating<paged_arena> && !reallocating<arena<bump>>);
    watched w;
    paged_arena a(w.source);
    const auto older = *a.allocate(of(100'000));
    const auto here = a.mark();
    const auto newer = *a.allocate(of(50'000));
    std::memset(older.data, 7, 100'000);
    const std::size_t reserved = w.pages.reserved_bytes();
    const auto moved = *a.reallocate(older.data, of(100'000), of(900'000), 100'000);
    CHECK(moved.size >= 900'000);
    CHECK(moved.data[0] == std::byte{7});
    CHECK(moved.data[99'999] == std::byte{7});
    CHECK(w.pages.calls(os::page_call::remap) == 1);
    CHECK(w.pages.reserved_bytes() - reserved < 900'000);  // the old place is no longer held
    CHECK(a.oversize_blocks() == 2);
    CHECK((a.owns(moved.data) && a.owns(newer.data)));
    a.rewind(here);  // ends the newer alone
    CHECK(a.oversize_blocks() == 1);
    const auto small = *a.reallocate(moved.data, of(900'000), of(100), 100);  // into a chunk
    CHECK(small.data[99] == std::byte{7});
    CHECK(a.oversize_blocks() == 0);
    const auto far = *a.allocate(of(20'000, 8192));  // its header is behind it
    far.data[19'999] = std::byte{9};
    const auto farther = *a.reallocate(far.data, of(20'000, 8192), of(40'000, 8192), 20'000);
    CHECK(farther.data[19'999] == std::byte{9});
    w.pages.fail(1, os::lasting::onwards);
    CHECK_FALSE(a.reallocate(farther.data, of(40'000, 8192), of(1 << 20, 8192), 40'000));
    const auto last = a.allocate(of(100));
    REQUIRE(last);
    w.pages.heal();
    CHECK(farther.data[19'999] == std::byte{9});
    CHECK_FALSE(a.allocate(of(layout::max_size)));  // no room is left for its header
    CHECK_FALSE(a.reallocate(farther.data, of(40'000, 8192), of(layout::max_size - 8191, 8192), 40'000));
    const auto same = a.grow_in_place(farther.data, of(40'000, 8192), of(farther.size, 8192));
    CHECK((same && *same == farther));  // within what was granted
    a.reset();
    a.trim();
    CHECK(w.pages.balanced());
}

TEST_CASE("arena: reset keeps the longest chunk only, and with trim the state is the initial one", "[strategy][arena]") {
    watched w;
    paged_arena a(w.source, {.first_chunk = 4096, .growth = 3});
    for (int round = 0; round < 3; ++round) {
        while (a.chunks() < 4) REQUIRE(a.allocate(of(2000)));
        a.reset();
        CHECK(a.chunks() == 1);
        CHECK(w.pages.reserved_bytes() == 27 * 4096);
        for (int i = 0; i < 50; ++i) REQUIRE(a.allocate(of(2000)));  // it is served from
        CHECK(a.chunks() == 1);
        a.reset();
        a.trim();
        CHECK(w.pages.balanced());
        REQUIRE(a.allocate(of(1)));
        CHECK(w.pages.reserved_bytes() == 4096);  // LWG 3120: growth begins at the beginning
    }
}

TEST_CASE("arena: rewinding ends what was granted since the mark, chunks and oversize blocks too", "[strategy][arena]") {
    watched w;
    paged_arena a(w.source, {.first_chunk = 4096});
    const auto fresh = a.mark();
    REQUIRE(a.allocate(of(500)));
    REQUIRE(a.allocate(of(10'000)));
    const auto outer = a.mark();
    const auto held = w.pages.reserved_bytes();
    const auto room = a.room();
    for (int i = 0; i < 20; ++i) REQUIRE(a.allocate(of(3000)));
    const auto inner = a.mark();
    REQUIRE(a.allocate(of(100'000)));
    CHECK(a.oversize_blocks() == 2);
    a.rewind(inner);
    CHECK(a.oversize_blocks() == 1);
    a.rewind(outer);
    CHECK(a.room() == room);
    a.trim();
    CHECK(w.pages.reserved_bytes() == held);
    CHECK_FALSE(broken_contract([&] { a.rewind(inner); }).empty());  // its blocks are gone
    CHECK(a.room() == room);
    a.rewind(fresh);
    CHECK(a.oversize_blocks() == 0);
    a.trim();
    CHECK(w.pages.balanced());
}

TEST_CASE("arena: where the upstream refuses a longer chunk, one just long enough is taken", "[strategy][arena]") {
    alignas(16) std::byte bytes[6000];
    bump upstream({bytes, sizeof bytes});
    arena<bump> a(upstream, {.first_chunk = 4096});
    REQUIRE(a.allocate(of(4000)));
    CHECK(a.available(of(1500)));
    CHECK(a.allocate(of(1500)));
    CHECK_FALSE(a.available(of(1500)));
    CHECK_FALSE(a.allocate(of(1500)));
}

TEST_CASE("arena: a refused chunk changes nothing, at whichever request", "[strategy][arena]") {
    for (std::size_t n = 1; n <= 8; ++n) {
        watched w;
        {
            paged_arena a(w.source, {.first_chunk = 4096});
            w.pages.fail(n % 2 == 0 ? os::page_call::commit : os::page_call::reserve, (n + 1) / 2, os::lasting::onwards);
            std::size_t granted = 0;
            while (granted < 100 && a.allocate(of(granted % 3 == 0 ? 5000 : 1500))) ++granted;
            CHECK(granted < 100);
            w.pages.heal();
            CHECK(a.allocate(of(1500)));
        }
        CHECK(w.pages.balanced());
    }
}

TEST_CASE("arena: giving back what is not live breaks the contract and harms nothing", "[strategy][arena]") {
    watched w;
    paged_arena a(w.source);
    const auto big = *a.allocate(of(10'000));
    CHECK_FALSE(broken_contract([&] { a.deallocate(big.data, of(16)); }).empty());  // no small block is live
    const auto b = *a.allocate(of(100));
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data + 8, of(16)); }).empty());
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data + 64, of(5000)); }).empty());  // no header of ours
    CHECK_FALSE(broken_contract([&] { static_cast<void>(a.allocate(of(0))); }).empty());
    CHECK(a.oversize_blocks() == 1);
    a.deallocate(b.data, of(100));
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data, of(100)); }).empty());
    a.deallocate(big.data, of(10'000));
    a.trim();
    CHECK(w.pages.balanced());
}

ASHLAR_ENROL("arena", [](testing::ground& g) {
    return arena<testing::ground::upstream_type>(g.upstream(), {.first_chunk = 1024});
});
ASHLAR_ENROL("arena with a buffer", [](testing::ground& g) {
    const block buffer = g.buffer(700, 1);
    return arena<testing::ground::upstream_type>(g.upstream(), {.first_chunk = 8192, .growth = 1, .buffer = buffer});
});
