#include "ashlar/malloc/heap_sleeping.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {

std::vector<void*> blocks_of(heap_type& h, std::size_t size, int count) {
    std::vector<void*> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(h.allocate(size));
        std::memset(all.back(), 0x5a, size);
    }
    return all;
}

}  // namespace

TEST_CASE("heap_sleeping: spans that others freed whole go back though their owner reads no mail", "[malloc][heap_sleeping]") {
    for (const std::size_t size : {std::size_t{48}, std::size_t{1000}, std::size_t{5000}}) {
        fixture f;
        heap_type& sleeper = f.attach();
        heap_type& worker = f.attach();
        for (void* p : blocks_of(sleeper, size, 3000)) f.free(worker, p);
        worker.settle();
        const std::size_t before = f.spans();
        const bool any = f.registry.take_from_sleepers(&worker, true);
        CHECK(any == registry_type::gate_type::fence_is_seen);
        CHECK((!any || f.spans() <= before / 8 + 2));  // what it has ready, and what it carves from
        for (void* p : blocks_of(sleeper, size, 3000)) f.free(sleeper, p);  // awake, it goes on
        sleeper.settle();
        worker.settle();
        CHECK(f.spans() == 0);
        CHECK(misuses.empty());
    }
}

TEST_CASE("heap_sleeping: a span with a block in use stays, and so does the block", "[malloc][heap_sleeping]") {
    fixture f;
    heap_type& sleeper = f.attach();
    heap_type& worker = f.attach();
    const auto all = blocks_of(sleeper, 100, 5000);
    std::vector<void*> live;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i % 200 == 0) live.push_back(all[i]);
        else f.free(worker, all[i]);
    }
    worker.settle();
    f.registry.take_from_sleepers(&worker, true);
    f.registry.take_from_sleepers(&worker, true);
    for (void* p : live) CHECK(all_bytes(p, 100, 0x5a));
    for (void* p : live) f.free(sleeper, p);  // heap_sleeping.I1: its own pushes meet spans that are there
    sleeper.settle();
    worker.settle();
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap_sleeping: who is inside, and the caller, are left alone", "[malloc][heap_sleeping]") {
    fixture f;
    heap_type& sleeper = f.attach();
    heap_type& worker = f.attach();
    for (void* p : blocks_of(sleeper, 100, 5000)) f.free(worker, p);
    worker.settle();
    const std::size_t before = f.spans();
    {
        const visit inside(f.registry.gate(), sleeper.inside());
        CHECK_FALSE(f.registry.take_from_sleepers(&worker, true));
    }
    CHECK_FALSE(f.registry.take_from_sleepers(&sleeper, true));
    CHECK(f.spans() == before);
    sleeper.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_sleeping: without being asked only a heap that left its mail for a while is looked at", "[malloc][heap_sleeping]") {
    fixture f;
    heap_type& sleeper = f.attach();
    heap_type& worker = f.attach();
    for (void* p : blocks_of(sleeper, 100, 5000)) f.free(worker, p);
    worker.settle();
    const std::size_t before = f.spans();
    CHECK_FALSE(f.registry.take_from_sleepers(&worker, false));  // the first look only notes
    CHECK_FALSE(f.registry.take_from_sleepers(&worker, false));  // too soon for another
    CHECK(f.spans() == before);
    sleeper.read_mail();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    CHECK_FALSE(f.registry.take_from_sleepers(&worker, false));
    sleeper.settle();
    CHECK(f.spans() == 0);
}
