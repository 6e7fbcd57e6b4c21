#include "ashlar/strategy/bitmap.hpp"

#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <vector>

#include "support/barest_allocators.hpp"
#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
alignas(4096) std::byte room[1 << 16];
using tests::plain;  // refuses everything
}  // namespace

TEST_CASE("bitmap: grants the first free block by address, and runs for more than a block", "[strategy][bitmap]") {
    bitmap<> blocks({room, 4096}, 64);
    CHECK(blocks.capacity() == 64);
    const auto a = *blocks.allocate(of(64)), b = *blocks.allocate(of(65)), c = *blocks.allocate(of(1));
    CHECK((a.data == room && a.size == 64));
    CHECK((b.data == room + 64 && b.size == 128));
    CHECK(c.data == room + 192);
    blocks.deallocate(a.data, of(64));
    CHECK(blocks.allocate(of(100))->data == room + 256);
    CHECK(blocks.allocate(of(60))->data == room);
    CHECK(blocks.consistent());
}

TEST_CASE("bitmap: never touches the blocks", "[strategy][bitmap]") {
    void* const page = mmap(nullptr, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(page != MAP_FAILED);
    {
        bitmap<> blocks({static_cast<std::byte*>(page), 1 << 20}, 256);
        std::vector<block> live;
        while (const auto b = blocks.allocate(of(700))) live.push_back(*b);
        CHECK(live.size() == 4096 / 3);
        for (const block& b : live) blocks.deallocate(b.data, of(700));
        CHECK(support::free_ranges(blocks).size() == 1);
        blocks.reset();
    }
    munmap(page, 1 << 20);
}

TEST_CASE("bitmap: the summaries lead to the only free block among many", "[strategy][bitmap]") {
    const std::size_t many = 64 * 64 * 64 + 70;  // four levels; addresses only, nothing is touched
    auto* const base = reinterpret_cast<std::byte*>(std::uintptr_t{1} << 40);
    bitmap<> blocks({base, many * 16}, 16);
    REQUIRE(blocks.capacity() == many);
    const auto all = *blocks.allocate(of(many * 16));
    CHECK_FALSE(blocks.available(of(1)));
    CHECK(blocks.shrink_in_place(all.data, of(many * 16), of(16))->size == 16);
    blocks.deallocate(all.data, of(16));
    for (std::size_t i = 0; i < many; ++i) static_cast<void>(blocks.allocate(of(16)));
    CHECK_FALSE(blocks.allocate(of(16)));
    for (const std::size_t i : {std::size_t{0}, std::size_t{63}, std::size_t{4096}, std::size_t{200'001}, many - 1}) {
        blocks.deallocate(base + i * 16, of(16));
        CHECK(support::free_ranges(blocks).size() == 1);
        CHECK(blocks.allocate(of(16))->data == base + i * 16);
    }
    CHECK(blocks.consistent());
}

TEST_CASE("bitmap: a run grows over free blocks and gives its end back", "[strategy][bitmap]") {
    bitmap<> blocks({room, 64 * 100}, 64);
    const auto a = *blocks.allocate(of(64)), b = *blocks.allocate(of(64));
    CHECK_FALSE(blocks.grow_in_place(a.data, of(64), of(65)));
    CHECK(blocks.grow_in_place(b.data, of(64), of(64 * 99))->size == 64 * 99);
    CHECK_FALSE(blocks.grow_in_place(b.data, of(64 * 99), of(64 * 99 + 1)));
    CHECK(blocks.shrink_in_place(b.data, of(64 * 99), of(65))->size == 128);
    CHECK(blocks.allocate(of(64 * 97)));
    CHECK_FALSE(blocks.available(of(1)));
    CHECK(blocks.consistent());
}

TEST_CASE("bitmap: addresses are aligned, also above the block and in memory that begins anywhere",
          "[strategy][bitmap]") {
    bitmap<> blocks({room + 24, 60'000}, 48);
    for (const std::size_t align : {1u, 16u, 64u, 4096u, 8192u}) {
        const auto b = blocks.allocate(of(100, align));
        REQUIRE(b);
        CHECK(is_aligned(b->data, align));
        blocks.deallocate(b->data, of(100, align));
    }
    CHECK_FALSE(blocks.allocate(of(1, std::size_t{1} << 62)));
    CHECK_FALSE(blocks.allocate(of(layout::max_size)));
    support::random_trace trace(blocks, 3, {.steps = 2000, .largest = 1500});
    std::size_t step = 0;
    trace.run([&] {
        if (++step % 64 == 0) REQUIRE(blocks.consistent());
    });
    trace.free_all();
    CHECK(support::free_ranges(blocks).size() == 1);
}

TEST_CASE("bitmap: where the memory for the bits is refused, every request is", "[strategy][bitmap]") {
    plain upstream;
    bitmap<plain> blocks({room, 4096}, 64, upstream);
    CHECK(blocks.capacity() == 0);
    CHECK_FALSE(blocks.allocate(of(1)));
    CHECK_FALSE(blocks.owns(room));
    blocks.reset();
    bitmap<> too_small({room, 63}, 64);
    CHECK_FALSE(too_small.available(of(1)));
}

TEST_CASE("bitmap: a double, interior or foreign free, or one of another length, is reported and changes nothing",
          "[strategy][bitmap]") {
    bitmap<> blocks({room, 4096}, 64);
    const auto x = *blocks.allocate(of(128)), y = *blocks.allocate(of(128));
    const auto before = support::free_ranges(blocks);
    const auto refuses = [&](std::byte* p, layout l) {
        return !broken_contract([&] { blocks.deallocate(p, l); }).empty();
    };
    std::byte other[64];
    CHECK(refuses(other, of(64)));
    CHECK(refuses(nullptr, of(64)));
    CHECK(refuses(x.data + 64, of(64)));
    CHECK(refuses(x.data + 1, of(128)));
    CHECK(refuses(x.data, of(64)));
    CHECK(refuses(x.data, of(256)));
    CHECK(refuses(y.data + 128, of(64)));
    CHECK(refuses(x.data, of(0)));
    CHECK(refuses(is_aligned(x.data, 256) ? y.data : x.data, of(128, 256)));
    CHECK(refuses(x.data, of(4096 * 2)));  // more blocks than there are
    CHECK(support::free_ranges(blocks) == before);
    blocks.deallocate(x.data, of(128));
    CHECK(refuses(x.data, of(128)));
    CHECK_FALSE(broken_contract([&] { static_cast<void>(blocks.allocate(of(0))); }).empty());
    CHECK(blocks.consistent());
}

ASHLAR_ENROL("bitmap", [](testing::ground& g) {
    return bitmap<testing::ground::upstream_type>(g.buffer(16384, 64), 64, g.upstream());
}, testing::serves([](const auto& a, block run, layout l) {
    for (std::byte* p = run.data; p < run.end(); p += a.block_size()) {
        const auto left = static_cast<std::size_t>(run.end() - p);
        if (is_aligned(p, l.align()) && l.size() <= left) return true;
    }
    return false;
}));

TEST_CASE("bitmap: blocks are aligned to what divides their size, to 64 KiB at most", "[strategy][bitmap]") {
    std::vector<std::byte> bytes(5 << 17);
    std::byte* const odd = bytes.data() + padding_to(bytes.data(), std::size_t{1} << 16) + 16;
    for (const std::size_t size : {std::size_t{1} << 15, std::size_t{1} << 16, std::size_t{1} << 17}) {
        bitmap<> blocks({odd, std::size_t{1} << 19}, size);
        const auto b = blocks.allocate(of(size));
        REQUIRE(b);
        CHECK(is_aligned(b->data, size < 65536 ? size : 65536));
        CHECK(b->data - odd < 65536);  // and no more is left unused in front
    }
}
