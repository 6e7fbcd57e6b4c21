#include "ashlar/malloc/statistics.hpp"
#include "support.hpp"

#include <atomic>
#include <thread>

using namespace test_malloc;

TEST_CASE("statistics: what is out is counted exactly for the thread that asks", "[malloc][statistics]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(h.allocate(100));
    for (int i = 0; i < 5; ++i) blocks.push_back(h.allocate(200'000));
    for (int i = 0; i < 300; ++i) {
        f.free(h, blocks.back());
        blocks.pop_back();
    }
    statistics s;
    collect(*f.store, f.registry, &h, s);
    CHECK(s.allocations == 1005);
    CHECK(s.live_blocks == 705);
    CHECK(s.live_bytes == 705 * 112);
    CHECK(s.heaps == 1);
    CHECK(s.peak_used_bytes >= 5 * 200'000);
    CHECK(s.used_bytes <= s.peak_used_bytes);
    for (void* p : blocks) f.free(h, p);
    statistics after;
    collect(*f.store, f.registry, &h, after);
    CHECK(after.live_blocks == 0);
    CHECK(after.live_bytes == 0);
}

TEST_CASE("statistics: a block that another heap freed is not live", "[malloc][statistics]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    void* p = h.allocate(4000);
    f.free(other, p);
    statistics s;
    collect(*f.store, f.registry, &h, s);
    CHECK(s.live_blocks == 0);
}

TEST_CASE("statistics: the rows add up to the totals, and the heaps to the process", "[malloc][statistics]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 4000; ++i) blocks.push_back((i % 3 == 0 ? other : h).allocate(i * 7 % 9000));
    blocks.push_back(h.allocate(5 << 20));
    blocks.push_back(h.allocate(300'000));
    for (std::size_t i = 0; i < 4000; i += 2) f.free(h, blocks[i]);
    statistics s;
    collect(*f.store, f.registry, &h, s);
    std::uint64_t live = s.large.live, live_bytes = 0, free_bytes = 0, under_way = 0;  // statistics.I1
    for (std::size_t c = 0; c < statistics::rows; ++c) {
        live += s.classes[c].live;
        live_bytes += s.classes[c].live * s.class_bytes[c];
        free_bytes += s.classes[c].free * s.class_bytes[c];
        under_way += s.classes[c].under_way;
    }
    CHECK(s.live_blocks == live);
    CHECK(s.free_bytes == free_bytes);
    CHECK(s.under_way_blocks == under_way);
    CHECK(s.mapped_blocks == 1);
    CHECK(s.mapped_bytes == 5 << 20);
    CHECK(s.live_bytes == live_bytes + s.mapped_bytes + f.usable(blocks[4001]));
    CHECK(s.resident_bytes >= s.live_bytes);
    CHECK(s.resident_bytes <= s.reserved_bytes + s.mapped_bytes);
    const heap_counts a = figures_of(*f.store, h), b = figures_of(*f.store, other);
    CHECK(a.spans + b.spans + 2 == f.spans());
    CHECK(a.allocations + b.allocations >= 4000);
    CHECK(b.under_way_bytes > 0);  // blocks of the other heap that were freed here and sent
    CHECK(a.under_way_bytes == 0);
    CHECK(a.live_bytes > b.live_bytes);
    for (std::size_t i = 1; i < 4000; i += 2) f.free(h, blocks[i]);
    f.free(h, blocks[4000]);
    f.free(h, blocks[4001]);
}

TEST_CASE("statistics: they can be taken while threads run, and no sum is nonsense", "[malloc][statistics]") {
    fixture f;
    std::atomic<int> running{2};
    const auto work = [&](std::uint64_t seed) {
        heap_type& h = f.attach();
        numbers next(seed);
        void* held[64]{};
        for (int i = 0; i < 30'000; ++i) {
            void*& slot = held[next.below(64)];
            if (slot != nullptr) f.free(h, slot);
            slot = f.allocate(h, next.below(3000));
        }
        for (void* p : held) {
            if (p != nullptr) f.free(h, p);
        }
        --running;
    };
    std::thread one(work, 1), two(work, 2);
    while (running != 0) {
        statistics s;
        collect(*f.store, f.registry, static_cast<heap_type*>(nullptr), s);
        for (const class_counts& c : s.classes) {
            if (c.live + c.free > c.spans * 4096) FAIL("more blocks than fit into the spans");
        }
        if (s.live_bytes + s.free_bytes > s.used_bytes) FAIL("more in blocks than in spans");
    }
    one.join();
    two.join();
}
