// The pools of several threads at once: no block is granted twice, and none is lost.
#include <catch2/catch.hpp>
#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/realtime/magazine.hpp"
#include "ashlar/realtime/shared_bitmap_pool.hpp"
#include "ashlar/realtime/shared_index_pool.hpp"

using namespace ashlar;

namespace {

constexpr std::size_t blocks = 96;
const layout l = *layout::make(32, 16);

/// Takes and gives back in turns; marks what it holds. @returns how often a block was somebody else's too
template <class A>
std::size_t use(A& a, unsigned char mark) {
    std::byte* held[24] = {};
    std::size_t wrong = 0;
    std::uint32_t dice = mark;
    for (int i = 0; i < 4000; ++i) {
        dice = dice * 1664525 + 1013904223;
        std::byte*& p = held[(dice >> 16) % 24];
        if (p == nullptr) {
            const auto granted = a.allocate(l);
            if (!granted) continue;
            p = granted->data;
            std::memset(p, mark, 32);
        } else {
            for (int at = 0; at < 32; ++at) wrong += p[at] != static_cast<std::byte>(mark);
            a.deallocate(p, l);
            p = nullptr;
        }
    }
    for (std::byte* p : held) {
        if (p != nullptr) a.deallocate(p, l);
    }
    return wrong;
}

template <class Pool, class Use>
void share(Use use_in_thread) {
    std::vector<std::byte> memory(Pool::memory_bytes(blocks));
    Pool pool({memory.data(), memory.size()});
    std::size_t wrong[3] = {};
    std::vector<std::thread> threads;
    for (unsigned char t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] { wrong[t] = use_in_thread(pool, static_cast<unsigned char>(t + 1)); });
    }
    for (auto& t : threads) t.join();
    CHECK(wrong[0] + wrong[1] + wrong[2] == 0);
    std::size_t free = 0;
    pool.for_each_free([&](block b) { free += b.size / Pool::block_size; });
    CHECK(free == pool.capacity());
}

using indices = shared_index_pool<32, 16, 32, 2>;  // few tries, so that blocks are spilled
using bits = shared_bitmap_pool<32, 16>;

}  // namespace

TEST_CASE("shared_pools: no block is granted to two threads, and none is lost", "[realtime][shared_pools]") {
    share<indices>([](auto& pool, unsigned char mark) { return use(pool, mark); });
    share<bits>([](auto& pool, unsigned char mark) { return use(pool, mark); });
}

TEST_CASE("shared_pools: a thread that ends gives its magazine back", "[realtime][shared_pools]") {
    share<bits>([](auto& pool, unsigned char mark) {
        magazine<bits, 8> mine(pool);
        return use(mine, mark);
    });
}

TEST_CASE("shared_pools: what a dead thread held can be given back by another", "[realtime][shared_pools]") {
    std::vector<std::byte> memory(indices::memory_bytes(blocks));
    indices pool({memory.data(), memory.size()});
    std::byte* left = nullptr;
    std::thread([&] {
        magazine<indices> mine(pool);
        const auto granted = mine.allocate(l);
        left = granted ? granted->data : nullptr;
    }).join();
    REQUIRE(left != nullptr);
    CHECK(pool.is_live(left));
    magazine<indices> mine(pool);
    mine.deallocate(left, l);
    mine.trim();
    CHECK_FALSE(pool.is_live(left));
}
