#include "ashlar/realtime/magazine.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "ashlar/realtime/shared_bitmap_pool.hpp"

using namespace ashlar;

namespace {

using shared = shared_bitmap_pool<64, 16>;
const layout l = *layout::make(64, 16);

std::size_t free_blocks(const shared& p) {
    std::size_t bytes = 0;
    p.for_each_free([&](block b) { bytes += b.size; });
    return bytes / shared::block_size;
}

}  // namespace

TEST_CASE("magazine: fetches and gives back half of what it holds, and all of it at its end", "[realtime][magazine]") {
    std::vector<std::byte> memory(shared::memory_bytes(64));
    shared pool({memory.data(), memory.size()});
    const std::size_t all = pool.capacity();
    {
        magazine<shared, 8> mine(pool);
        const auto first = mine.allocate(l);
        REQUIRE(first);
        CHECK(free_blocks(pool) == all - 4);
        CHECK(mine.kept() == 3);
        std::vector<std::byte*> held{first->data};
        for (int i = 0; i < 12; ++i) held.push_back(mine.allocate(l)->data);
        CHECK(std::set<std::byte*>(held.begin(), held.end()).size() == 13);
        for (std::byte* p : held) mine.deallocate(p, l);
        CHECK(mine.kept() <= 8);
        CHECK_FALSE(mine.allocate(*layout::make(65, 16)));
    }
    CHECK(free_blocks(pool) == all);
}

TEST_CASE("magazine: takes what there is when the pool has little, and refuses when it has nothing", "[realtime][magazine]") {
    std::vector<std::byte> memory(shared::memory_bytes(3));
    shared pool({memory.data(), memory.size()});
    magazine<shared, 16> mine(pool), other(pool);
    std::vector<std::byte*> held;
    while (const auto granted = mine.allocate(l)) held.push_back(granted->data);
    CHECK(held.size() == pool.capacity());
    CHECK_FALSE(other.allocate(l));
    other.deallocate(held.back(), l);  // through another thread's magazine
    CHECK(other.allocate(l)->data == held.back());
    for (std::byte* p : held) mine.deallocate(p, l);
    mine.trim();
    CHECK(free_blocks(pool) == pool.capacity());
}
