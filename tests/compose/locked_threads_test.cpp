#include <catch2/catch.hpp>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "ashlar/compose/locked.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/strategy/best_fit.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/free_list.hpp"

using namespace ashlar;

TEST_CASE("locked: threads share a heap that knows nothing of threads", "[compose][locked]") {
    alignas(64) static std::byte room[1 << 18];
    bump buffer({room, sizeof room});
    using heap = free_list<best_fit, bump>;
    heap one_at_a_time(buffer, 4096);
    tracked<heap, live_blocks, live_bytes> counted(one_at_a_time);
    locked<decltype(counted), std::mutex> shared(counted);
    std::vector<std::thread> threads;
    bool intact[3] = {true, true, true};
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            for (int round = 0; round < 400; ++round) {
                const layout l = *layout::make(static_cast<std::size_t>(8 + (round * 7 + t) % 200), 16);
                const auto b = shared.allocate(l);
                if (!b) continue;
                std::memset(b->data, t, l.size());
                for (std::size_t i = 0; i < l.size(); ++i) intact[t] = intact[t] && b->data[i] == std::byte(t);
                shared.deallocate(b->data, l);
            }
        });
    }
    for (auto& t : threads) t.join();
    CHECK((intact[0] && intact[1] && intact[2]));
    CHECK(counted.counter<live_blocks>().value == 0);
    CHECK(counted.counter<live_bytes>().value == 0);
}
