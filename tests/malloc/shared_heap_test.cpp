#include "ashlar/malloc/shared_heap.hpp"
#include "ashlar/malloc/statistics.hpp"
#include "support.hpp"

#include <thread>

using namespace test_malloc;

namespace {
struct with_shared : fixture {
    shared_heaps<store_type> family;
    shared_heap<store_type>& make() {
        shared_heap<store_type>* h = family.make(*store, registry);
        REQUIRE(h != nullptr);
        return *h;
    }
};
}  // namespace

TEST_CASE("shared_heap: when it ends all of its blocks end, whatever was freed or not", "[malloc][shared_heap]") {
    with_shared f;
    heap_type& thread = f.attach();
    void* kept = thread.allocate(100);
    const std::size_t before = f.spans();
    for (int round = 0; round < 20; ++round) {
        auto& h = f.make();
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < 1000; ++i) blocks.push_back(h.allocate(i * 17 % 20'000));
        for (int i = 0; i < 40; ++i) blocks.push_back(h.allocate(100'000));  // more than are given back at a time
        blocks.push_back(h.allocate(5 << 20));
        for (std::size_t i = 0; i < blocks.size(); i += 3) f.free(thread, blocks[i]);
        f.family.end(h);
        CHECK(f.spans() == before);
        CHECK(f.store->large().live() == 0);
    }
    CHECK(misuses.empty());
    f.free(thread, kept);
}

TEST_CASE("shared_heap: a free from any thread goes to its span at once, never into an outbox", "[malloc][shared_heap]") {
    with_shared f;
    heap_type& thread = f.attach();
    auto& h = f.make();
    void* p = h.allocate(64);
    f.free(thread, p);  // shared_heap.I2
    statistics s;
    collect(*f.store, f.registry, &thread, s);
    CHECK(s.under_way_blocks == 0);
    CHECK(s.shared_heaps == 1);
    CHECK(s.heaps == 1);
    heap_type nobody;
    void* q = h.allocate(64);
    heap_type::release(*f.store, f.registry, &nobody, q, "free");  // a thread that has no heap
    f.family.end(h);
    CHECK(f.spans() == 0);
}

TEST_CASE("shared_heap: it takes no span of a thread that has ended", "[malloc][shared_heap]") {
    with_shared f;
    heap_type& ended = f.attach();
    void* survivor = ended.allocate(100);
    f.registry.detach(ended);
    auto& h = f.make();
    for (int i = 0; i < 100; ++i) CHECK(h.allocate(100) != nullptr);  // shared_heap.I1
    f.family.end(h);
    CHECK(f.spans() == 1);
    CHECK(f.usable(survivor) == 112);
    heap_type& next = f.attach();
    f.free(next, survivor);
}

TEST_CASE("shared_heap: threads allocate and free in it together", "[malloc][shared_heap]") {
    with_shared f;
    auto& h = f.make();
    const auto work = [&](std::uint64_t seed) {
        heap_type& mine = f.attach();
        numbers next(seed);
        unsigned char* held[50]{};
        for (int i = 0; i < 8000; ++i) {
            unsigned char*& slot = held[next.below(50)];
            if (slot != nullptr) {
                if (slot[0] != slot[15]) FAIL("a block was granted twice");
                f.free(mine, slot);
            }
            slot = static_cast<unsigned char*>(h.allocate(16 + next.below(500)));
            slot[0] = slot[15] = static_cast<unsigned char>(next());
        }
    };
    std::thread one(work, 1), two(work, 2);
    one.join();
    two.join();
    f.family.end(h);
    CHECK(f.spans() == 0);
}

TEST_CASE("shared_heap: what cannot be had is refused, and the heap goes on", "[malloc][shared_heap]") {
    with_shared f;
    auto& h = f.make();
    void* p = h.allocate(3000);
    for (const auto call : {page_call::reserve, page_call::commit}) {
        f.pages.fail(call, 1, lasting::onwards);
        CHECK(h.allocate(std::size_t{70} << 20) == nullptr);
        CHECK(h.reallocate(p, std::size_t{80} << 20) == nullptr);
        f.pages.heal();
        CHECK(f.usable(p) >= 3000);
    }
    p = h.reallocate(p, 6 << 20);
    REQUIRE(p != nullptr);
    CHECK(h.owns(*f.store->find(p)));
    f.family.end(h);
    CHECK(f.store->large().live() == 0);
}
