#include "ashlar/realtime/low_latency_allocator.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <thread>
#include <vector>

using namespace ashlar;

namespace {

constexpr pool_row::counts blocks{200, 100, 100, 50, 50, 30, 10, 5};
using allocator_type = low_latency_allocator<8>;

}  // namespace

TEST_CASE("low_latency_allocator: blocks never overlap and never leave the memory", "[realtime][low_latency_allocator]") {
    std::vector<std::byte> memory(allocator_type::memory_bytes(blocks));
    allocator_type a({memory.data(), memory.size()}, blocks);
    CHECK(a.attach());
    std::vector<block> held;
    for (std::size_t size = 1; size <= 8192; size += 1 + size / 3) {
        const auto granted = a.allocate(*layout::make(size, 16));
        REQUIRE(granted);
        REQUIRE(granted->size >= size);
        REQUIRE((granted->data >= memory.data() && granted->end() <= memory.data() + memory.size()));
        for (const block& b : held) REQUIRE((granted->data >= b.end() || granted->end() <= b.data));
        held.push_back(*granted);
    }
    CHECK_FALSE(a.allocate(*layout::make(8193, 16)));
    CHECK_FALSE(a.allocate(*layout::make(16, 32)));
    for (const block& b : held) a.deallocate(b.data, *layout::make(b.size, 16));
}

TEST_CASE("pool_row: a used up pool is helped out by the next one, and by no other", "[realtime][low_latency_allocator]") {
    std::vector<std::byte> memory(pool_row::memory_bytes(blocks));
    pool_row row({memory.data(), memory.size()}, blocks);
    const auto l = *layout::make(4000, 16);
    std::vector<std::byte*> held;
    while (const auto granted = row.allocate(l)) held.push_back(granted->data);
    CHECK(held.size() >= 15);
    CHECK(held.size() < 20);
    CHECK_FALSE(row.available(l));
    CHECK(row.available(*layout::make(2000, 16)));
    for (std::byte* p : held) row.deallocate(p, l);
    CHECK(row.available(*layout::make(8000, 16)));
}

TEST_CASE("low_latency_allocator: what one thread was granted another gives back, and nothing is lost",
          "[realtime][low_latency_allocator]") {
    std::vector<std::byte> memory(allocator_type::memory_bytes(blocks));
    allocator_type a({memory.data(), memory.size()}, blocks);
    const auto l = *layout::make(200, 16);
    std::vector<std::byte*> held(60);
    std::size_t wrong = 0;
    for (int round = 0; round < 40; ++round) {  // more than there are blocks, if any were lost
        std::thread([&] {
            for (auto& p : held) {
                const auto granted = a.allocate(l);
                p = granted ? granted->data : nullptr;
                if (p != nullptr) std::memset(p, round, 200);
            }
        }).join();
        for (std::byte* p : held) {
            wrong += p == nullptr || p[199] != static_cast<std::byte>(round);
            if (p != nullptr) a.deallocate(p, l);
        }
    }
    CHECK(wrong == 0);
}
