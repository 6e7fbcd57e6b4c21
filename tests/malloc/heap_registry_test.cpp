#include "ashlar/malloc/heap_registry.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("heap_registry: a heap whose thread ended is given whole to the next thread", "[malloc][heap_registry]") {
    fixture f;
    heap_type& first = f.attach();
    void* p = first.allocate(100);
    f.registry.detach(first);
    heap_type& second = f.attach();
    CHECK(&second == &first);  // heap_registry.I2
    f.free(second, p);
    CHECK(misuses.empty());
}

TEST_CASE("heap_registry: the last block freed into an orphan gives its memory back", "[malloc][heap_registry]") {
    fixture f;
    heap_type& gone = f.attach();
    heap_type& stays = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 3000; ++i) blocks.push_back(gone.allocate(80));
    f.registry.detach(gone);
    CHECK(f.spans() > 1);
    for (void* p : blocks) f.free(stays, p);
    stays.settle();  // sends what waits in its outbox, and that tends the orphan
    CHECK(f.spans() == 0);  // heap_registry.I1
}

TEST_CASE("heap_registry: a thread in need takes the half-free spans of orphans", "[malloc][heap_registry]") {
    fixture f;
    heap_type& gone = f.attach();
    heap_type& stays = f.attach();
    void* p = gone.allocate(80);
    f.registry.detach(gone);
    const std::size_t spans = f.spans();
    void* q = stays.allocate(80);
    CHECK(f.spans() == spans);
    f.free(stays, p);
    f.free(stays, q);
    stays.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_registry: mail that reaches the old owner of a span is forwarded", "[malloc][heap_registry]") {
    fixture f;
    heap_type& gone = f.attach();
    heap_type& adopts = f.attach();
    heap_type& third = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 20; ++i) blocks.push_back(gone.allocate(80));
    f.registry.detach(gone);
    void* q = adopts.allocate(80);
    for (void* p : blocks) f.free(third, p);
    f.free(third, q);
    third.settle();
    f.registry.tend_all();
    adopts.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_registry: in the child of a fork that could not wait blocks of lost threads are used again",
          "[malloc][heap_registry]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    void* p = lost.allocate(80);
    static_cast<void>(mine.allocate(80));
    lost.inside().store(true, std::memory_order_relaxed);  // as a thread that was stopped in a slow path
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_child(*f.store, &mine);
    f.free(mine, p);
    bool again = false;
    for (int i = 0; i < 5000 && !again; ++i) again = mine.allocate(80) == p;
    CHECK(again);
    CHECK(misuses.empty());
}

TEST_CASE("heap_registry: attach refuses when there is no memory for a heap", "[malloc][heap_registry]") {
    fixture f;
    f.pages.fail(1, lasting::onwards);
    CHECK(f.registry.attach(*f.store) == nullptr);
    f.pages.heal();
    CHECK(f.registry.attach(*f.store) != nullptr);
}

TEST_CASE("heap_registry: asked to trim, a heap gives back what it keeps at its next slow path", "[malloc][heap_registry]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 64; ++i) blocks.push_back(h.allocate(8000));
    for (void* p : blocks) f.free(h, p);
    CHECK(f.spans() != 0);  // some stand ready
    f.registry.ask_all_to_trim();
    CHECK(f.spans() != 0);
    void* p = h.allocate(16);
    CHECK(f.spans() == 1);
    CHECK(f.store->slices().dirty() == 0);
    f.free(h, p);
}
