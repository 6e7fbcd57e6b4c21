#include "ashlar/realtime/shared_index_pool.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"

using namespace ashlar;

namespace {

/// Atomics whose compare-exchange loses so often: what other threads can do at worst, done without them.
struct losing_atomics {
    static inline unsigned losses = 0;
    template <class T>
    struct atomic : ashlar::atomic<T> {
        using ashlar::atomic<T>::atomic;
        bool compare_exchange_weak(T& expected, T value, memory_order o = memory_order_seq_cst,
                                   memory_order f = memory_order_seq_cst) noexcept {
            if (losses != 0) return --losses, expected = this->load(f), false;
            return ashlar::atomic<T>::compare_exchange_weak(expected, value, o, f);
        }
    };
    template <class T>
    using plain = T;
    static void pause() noexcept {}
};

}  // namespace

TEST_CASE("shared_index_pool: grants every block once and refuses the next request", "[realtime][shared_index_pool]") {
    using pool = shared_index_pool<48, 16, 16>;
    std::vector<std::byte> memory(pool::memory_bytes(1000));
    pool a({memory.data(), memory.size()});
    CHECK(a.capacity() >= 1000);
    const auto l = *layout::make(40, 16);
    std::vector<std::byte*> held;
    while (const auto granted = a.allocate(l)) {
        REQUIRE(is_aligned(granted->data, 16));
        if (!held.empty()) REQUIRE(granted->data == held.back() + 48);
        held.push_back(granted->data);
    }
    CHECK(held.size() == a.capacity());
    CHECK_FALSE(a.available(l));
    CHECK_FALSE(a.allocate(*layout::make(49, 16)));
    a.deallocate(held[7], l);
    CHECK(a.allocate(l)->data == held[7]);
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(held[0] + 16, l); }).empty());
    a.deallocate(held[0], l);
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(held[0], l); }).empty());
}

TEST_CASE("shared_index_pool: after so many lost tries a block is spilled, and found again", "[realtime][shared_index_pool]") {
    using pool = shared_index_pool<32, 16, 32, 4, losing_atomics>;
    std::vector<std::byte> memory(pool::memory_bytes(100));
    pool a({memory.data(), memory.size()});
    const auto l = *layout::make(32, 16);
    const auto first = a.allocate(l), second = a.allocate(l);
    REQUIRE((first && second));
    losing_atomics::losses = 4;
    a.deallocate(first->data, l);  // bounded: it does not wait for a fifth
    CHECK(losing_atomics::losses == 0);
    losing_atomics::losses = 4;
    const auto spilled = a.allocate(l);
    REQUIRE(spilled);
    CHECK(spilled->data == first->data);
    losing_atomics::losses = 4;
    CHECK_FALSE(a.allocate(l));  // nothing is spilled: refused, although blocks are free
    CHECK(losing_atomics::losses == 0);
    CHECK(a.allocate(l));
}

TEST_CASE("shared_index_pool: an index of any width serves what it can number", "[realtime][shared_index_pool]") {
    CHECK(shared_index_pool<16, 16, 16>::most_blocks == 65'534);
    CHECK(shared_index_pool<16, 16, 17>::most_blocks == 131'070);
    std::vector<std::byte> memory(shared_index_pool<16, 16, 17>::memory_bytes(70'000));
    CHECK(shared_index_pool<16, 16, 17>({memory.data(), memory.size()}).capacity() >= 70'000);
    CHECK(shared_index_pool<16, 16, 16>({memory.data(), memory.size()}).capacity() == 65'534);
    CHECK(shared_index_pool<16, 16, 8>({memory.data(), memory.size()}).capacity() == 254);
    std::byte little[8];
    CHECK_FALSE((shared_index_pool<16, 16, 48>({little, 8}).allocate(*layout::make(1, 1))));
}

ASHLAR_ENROL("shared_index_pool", [](testing::ground& g) { return shared_index_pool<64, 16>(g.buffer(8192, 1)); },
             testing::serves([](const auto&, block, layout l) { return l.size() <= 64 && l.align() <= 16; }));
