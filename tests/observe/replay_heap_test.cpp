// The three things a replay can run on answer alike.
#include "ashlar/observe/replay_heap.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstring>

namespace {

/// One buffer, front to back; the last block may not be given back.
struct bump {
    std::array<std::byte, 4096> room{};
    std::size_t used = 0;

    ashlar::result<ashlar::block> allocate(ashlar::layout l) noexcept {
        const auto start = reinterpret_cast<std::uintptr_t>(room.data());
        const std::size_t at = ashlar::align_up(start + used, l.align()) - start;
        if (at > room.size() || l.size() > room.size() - at) return ashlar::alloc_error{};
        used = at + l.size();
        return ashlar::block{room.data() + at, l.size()};
    }
    void deallocate(std::byte*, ashlar::layout) noexcept {}
};

bool aligned(const std::byte* p, std::size_t align) { return reinterpret_cast<std::uintptr_t>(p) % align == 0; }

}  // namespace

TEST_CASE("replay_heap: an allocator's refusal is null, and so is an impossible layout", "[observe][replay_heap]") {
    bump inner;
    ashlar::allocator_heap heap(inner);
    CHECK(heap.allocate(4097, 16) == nullptr);
    CHECK(heap.allocate(UINT64_MAX, 16) == nullptr);
    CHECK(heap.allocate(64, 64) != nullptr);
}

TEST_CASE("replay_heap: an allocator that cannot reallocate copies what both blocks hold", "[observe][replay_heap]") {
    bump inner;
    ashlar::allocator_heap heap(inner);
    std::byte* p = heap.allocate(8, 8);
    std::memcpy(p, "contents", 8);
    std::byte* q = heap.reallocate(p, 8, 8, 100, 16);
    REQUIRE(q != nullptr);
    CHECK(std::memcmp(q, "contents", 8) == 0);
}

TEST_CASE("replay_heap: the malloc serves alignments beyond its own", "[observe][replay_heap]") {
    ashlar::malloc_heap heap;
    for (std::size_t align = 8; align <= 65536; align *= 2) {
        std::byte* p = heap.allocate(24, align);
        REQUIRE(p != nullptr);
        CHECK(aligned(p, align));
        heap.deallocate(p, 24, align);
    }
}

TEST_CASE("replay_heap: the null heap grants one address for everything", "[observe][replay_heap]") {
    std::array<std::byte, 64> room{};
    ashlar::null_heap heap(room.data());
    CHECK(heap.allocate(8, 8) == room.data());
    CHECK(heap.reallocate(room.data(), 8, 8, 64, 16) == room.data());
}
