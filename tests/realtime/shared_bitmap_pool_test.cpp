#include "ashlar/realtime/shared_bitmap_pool.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"

using namespace ashlar;

TEST_CASE("shared_bitmap_pool: grants every block once and refuses the next request", "[realtime][shared_bitmap_pool]") {
    using pool = shared_bitmap_pool<48, 16>;
    std::vector<std::byte> memory(pool::memory_bytes(200));
    pool a({memory.data(), memory.size()});
    CHECK(a.capacity() >= 200);
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
    a.deallocate(held[70], l);
    CHECK(a.allocate(l)->data == held[70]);
    a.deallocate(held[0], l);
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(held[0], l); }).empty());
    CHECK_FALSE(support::broken_contract([&] { a.deallocate(held[1] + 16, l); }).empty());
    CHECK_FALSE(a.is_live(held[0]));
}

ASHLAR_ENROL("shared_bitmap_pool", [](testing::ground& g) { return shared_bitmap_pool<64, 16>(g.buffer(8192, 1)); },
             testing::serves([](const auto&, block, layout l) { return l.size() <= 64 && l.align() <= 16; }));
