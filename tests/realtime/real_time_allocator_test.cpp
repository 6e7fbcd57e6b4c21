#include "ashlar/realtime/real_time_allocator.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "ashlar/compose/locked.hpp"
#include "ashlar/os/pi_mutex.hpp"
#include "support/random_trace.hpp"

using namespace ashlar;

namespace {

struct counting_clock {
    static inline std::uint64_t ticks = 0;
    static std::uint64_t now() noexcept { return ticks += 10; }
};
using counted = real_time_allocator<64, tlsf, counting_clock>;
const layout small = *layout::make(64, 16), large = *layout::make(1000, 16);

}  // namespace

TEST_CASE("real_time_allocator: small requests come from the pool, then the heap, and the times are counted",
          "[realtime][real_time_allocator]") {
    std::vector<std::byte> memory(1 << 18);
    counted a({memory.data(), memory.size()}, {.fast_blocks = 100, .reserve_bytes = 1 << 14});
    std::set<std::byte*> held;
    while (a.fallbacks() == 0) held.insert(a.allocate(small)->data);
    CHECK(held.size() >= 101);
    CHECK(held.size() <= 110);
    CHECK(a.allocation_times().count() == held.size());
    CHECK(a.allocation_times().max() == 10);
    for (std::byte* p : held) a.deallocate(p, small);
    CHECK(a.deallocation_times().count() == held.size());
    CHECK(a.consistent());
}

TEST_CASE("real_time_allocator: when all is used up only what is critical is served", "[realtime][real_time_allocator]") {
    std::vector<std::byte> memory(1 << 17);
    counted a({memory.data(), memory.size()}, {.fast_blocks = 10, .reserve_bytes = 1 << 14});
    std::vector<std::byte*> ordinary, critical;
    while (const auto granted = a.allocate(large)) ordinary.push_back(granted->data);
    CHECK(a.refusals() == 1);
    CHECK_FALSE(a.available(large));
    while (const auto granted = a.allocate_critical(large)) critical.push_back(granted->data);
    CHECK(a.from_reserve() == critical.size());
    CHECK(critical.size() >= 10);
    CHECK(a.owns(critical[0]));
    for (std::byte* p : critical) a.deallocate(p, large);
    CHECK_FALSE(a.allocate(large));  // the reserve is full again, and not for this
    a.deallocate(ordinary.back(), large);
    CHECK(a.allocate(large)->data == ordinary.back());
    for (std::byte* p : ordinary) a.deallocate(p, large);
    CHECK(a.consistent());
}

TEST_CASE("real_time_allocator: serves random traces, also shared under a mutex that inherits", "[realtime][real_time_allocator]") {
    using untimed = real_time_allocator<128, tlsf, no_clock>;
    std::vector<std::byte> memory(1 << 20);
    untimed a({memory.data(), memory.size()});
    locked<untimed, os::pi_mutex> shared(a);
    support::random_trace trace(shared, 5, {.steps = 1500, .largest = 3000, .align_exponents = 7});
    CHECK(trace.run() == 0);
    trace.free_all();
    CHECK(a.consistent());
    CHECK(a.allocation_times().count() == 0);
}
