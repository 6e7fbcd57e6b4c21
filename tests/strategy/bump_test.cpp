#include "ashlar/strategy/bump.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/random_trace.hpp"
#include "support/serves.hpp"

using namespace ashlar;

namespace {

/// A buffer that begins at an odd address, so that aligned offsets would be misaligned addresses.
struct odd_buffer {
    alignas(64) std::array<std::byte, 4097> bytes;
    block range() { return {bytes.data() + 1, 4096}; }
};
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }
using packed = basic_bump<1>;  // nothing is rounded: every byte counts

}  // namespace

TEST_CASE("bump: blocks follow one another, each at its alignment", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    const auto first = *a.allocate(of(3));
    CHECK(first.data == buffer.bytes.data() + 1);
    const auto second = *a.allocate(of(8, 64));
    CHECK(second.data == buffer.bytes.data() + 64);
    CHECK(a.allocate(of(1))->data == second.end());
}

TEST_CASE("bump: refuses exactly when padding and size pass the end, and changes nothing", "[strategy][bump]") {
    for (std::size_t used = 1; used < 200; ++used) {
        for (const std::size_t align : {1u, 2u, 16u, 128u}) {
            odd_buffer buffer;
            packed a({buffer.bytes.data() + 1, 200});
            static_cast<void>(a.allocate(of(used)));
            const auto begin = reinterpret_cast<std::uintptr_t>(buffer.bytes.data() + 1 + used);
            const std::size_t word = align > 1 ? 8 : 0;  // in front of what is aligned to more than MinAlign
            const std::size_t padding = word + (align - (begin + word) % align) % align;
            for (std::size_t size = 1; size < 210; size += 7) {
                const bool fits = used + padding + size <= 200;
                REQUIRE(a.available(of(size, align)) == fits);
                const auto before = a.room();
                const auto b = a.allocate(of(size, align));
                REQUIRE(b.has_value() == fits);
                if (b) a.deallocate(b->data, of(size, align));
                REQUIRE(a.room() == before);  // refused, or given back together with its padding
            }
        }
    }
}

TEST_CASE("bump: sizes that would wrap the address are refused", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    CHECK_FALSE(a.allocate(of(layout::max_size)));
    CHECK_FALSE(a.allocate(of(1, std::size_t{1} << 62)));
    CHECK(a.room() == a.capacity());
}

TEST_CASE("bump: serves random traces and is whole when everything is given back", "[strategy][bump]") {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::vector<std::byte> bytes(100'000);
        packed a({bytes.data() + 1, 99'999});
        support::random_trace trace(a, seed, {.steps = 1000, .largest = 800});
        trace.run([&] { REQUIRE(a.consistent()); });
        trace.free_all();
        CHECK(a.room() == a.capacity());
    }
}

TEST_CASE("bump: sizes are rounded to the least alignment, and the buffer is served from the first aligned byte",
          "[strategy][bump]") {
    odd_buffer buffer;
    bump a(buffer.range());
    CHECK(a.capacity() == 4096 - 16);
    const auto first = *a.allocate(of(3));
    CHECK(first == block{buffer.bytes.data() + 16, 16});
    CHECK(a.allocate(of(17, 8))->data == first.end());
    CHECK(a.room() == a.capacity() - 48);
    CHECK(a.grow_in_place(first.data, of(3), of(16)));  // within the rounding, although not the last
    CHECK_FALSE(a.grow_in_place(first.data, of(16), of(17)));
    alignas(16) std::byte little[17];
    CHECK(bump({little + 1, 14}).capacity() == 0);  // no aligned byte in it
    CHECK(bump({little + 1, 15}).capacity() == 0);
    CHECK(bump({little, 17}).capacity() == 16);
}

TEST_CASE("bump: given back newest first, every padding is free again", "[strategy][bump]") {
    odd_buffer buffer;
    bump a(buffer.range());
    std::vector<std::pair<block, layout>> held;
    std::vector<std::size_t> rooms;
    for (const std::size_t align : {1u, 64u, 16u, 128u, 32u, 8u, 512u}) {
        rooms.push_back(a.room());
        held.emplace_back(*a.allocate(of(40, align)), of(40, align));
    }
    for (; !held.empty(); held.pop_back(), rooms.pop_back()) {
        a.deallocate(held.back().first.data, held.back().second);
        REQUIRE(a.room() == rooms.back());
    }
}

TEST_CASE("bump: the last block grows, shrinks and is given back where it stands", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    const auto first = *a.allocate(of(10));
    const auto last = *a.allocate(of(10));
    CHECK_FALSE(a.grow_in_place(first.data, of(10), of(11)));
    CHECK(a.grow_in_place(last.data, of(10), of(4086))->size == 4086);
    CHECK(a.room() == 0);
    CHECK_FALSE(a.grow_in_place(last.data, of(4086), of(4087)));
    CHECK(a.shrink_in_place(last.data, of(4086), of(1))->size == 1);
    CHECK(a.room() == 4096 - 11);
    CHECK(a.shrink_in_place(first.data, of(10), of(1))->size == 10);  // not the last: keeps its bytes
    a.deallocate(last.data, of(1));
    CHECK(a.room() == 4086);
    a.deallocate(first.data, of(10));
    CHECK(a.room() == 4096);
}

TEST_CASE("bump: a block in the middle stays used until the last live one is given back", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    const auto b1 = *a.allocate(of(10)), b2 = *a.allocate(of(10)), b3 = *a.allocate(of(10));
    a.deallocate(b2.data, of(10));
    CHECK(a.room() == 4066);
    a.deallocate(b3.data, of(10));
    CHECK(a.room() == 4076);
    a.deallocate(b1.data, of(10));
    CHECK(a.room() == 4096);
}

TEST_CASE("bump: rewinding ends the life of what was granted since the mark", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    static_cast<void>(a.allocate(of(100)));
    const auto outer = a.mark();
    static_cast<void>(a.allocate(of(50, 32)));
    const auto inner = a.mark();
    static_cast<void>(a.allocate(of(500)));
    a.rewind(inner);
    a.rewind(outer);
    CHECK(a.room() == 3996);
    a.reset();
    CHECK(a.room() == 4096);
    CHECK(a.consistent());
}

TEST_CASE("bump: its free range is what room says, and it owns its buffer only", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    static_cast<void>(a.allocate(of(96)));
    const auto free = support::free_ranges(a);
    REQUIRE(free.size() == 1);
    CHECK(free[0] == block{buffer.bytes.data() + 97, 4000});
    CHECK(a.owns(buffer.bytes.data() + 1));
    CHECK(a.owns(buffer.bytes.data() + 4096));
    CHECK_FALSE(a.owns(buffer.bytes.data()));
    CHECK_FALSE(a.owns(buffer.bytes.data() + 4097));
    static_cast<void>(a.allocate(of(4000)));
    CHECK(support::free_ranges(a).empty());
}

TEST_CASE("bump: giving back what is not live breaks the contract", "[strategy][bump]") {
    odd_buffer buffer;
    packed a(buffer.range());
    const auto b = *a.allocate(of(10));
    const auto c = *a.allocate(of(10));
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(b.data, of(21)); }).empty());  // too long
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(c.end(), of(1)); }).empty());  // free
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(buffer.bytes.data(), of(1)); }).empty());  // foreign
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(b.data, of(0)); }).empty());
    a.deallocate(c.data, of(10));
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(c.data, of(10)); }).empty());  // twice
}

ASHLAR_ENROL("bump", [](testing::ground& g) { return bump(g.buffer(16384, 1)); }, tests::serves_bumped());
ASHLAR_ENROL("basic_bump<1>", [](testing::ground& g) { return packed(g.buffer(16384, 1)); }, tests::serves_bumped(1));
