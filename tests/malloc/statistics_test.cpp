#include "ashlar/malloc/statistics.hpp"
#include "support.hpp"

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
    CHECK(s.allocations() == 1005);
    CHECK(s.live_blocks() == 705);
    CHECK(s.live_bytes == 705 * 112);
    CHECK(s.heaps == 1);
    CHECK(s.peak_used_bytes >= 5 * 200'000);
    CHECK(s.used_bytes <= s.peak_used_bytes);
    for (void* p : blocks) f.free(h, p);
    statistics after;
    collect(*f.store, f.registry, &h, after);
    CHECK(after.live_blocks() == 0);
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
    CHECK(s.live_blocks() == 0);
}
