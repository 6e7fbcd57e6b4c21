// What the child of fork gets of the heaps of threads that it does not have. The child is this process: what another
// thread would do while the kernel copies is done between before_fork and after_fork_in_child.
#include "ashlar/malloc/heap_fork.hpp"

#include <algorithm>

#include "support.hpp"

using namespace test_malloc;

namespace {

std::vector<void*> take(heap_type& h, int count, std::size_t size) {
    std::vector<void*> blocks;
    for (int i = 0; i < count; ++i) blocks.push_back(h.allocate(size));
    return blocks;
}

}  // namespace

TEST_CASE("heap_fork: the child uses what other threads held as free", "[malloc][heap_fork]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    auto blocks = take(lost, 20'000, 80);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        std::memset(blocks[i], static_cast<int>(i), 80);
        if (i % 4 != 0) f.free(lost, blocks[i]);
    }
    const std::size_t spans = f.spans();
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_child(*f.store, &mine);
    const auto own = take(mine, 14'000, 80);
    CHECK(f.spans() <= spans);
    for (void* p : own) std::memset(p, 0xee, 80);
    for (std::size_t i = 0; i < blocks.size(); i += 4) {
        if (!all_bytes(blocks[i], 80, static_cast<unsigned char>(i))) FAIL("a live block was handed out");
        f.free(mine, blocks[i]);
    }
    for (void* p : own) f.free(mine, p);
    mine.settle();
    f.registry.tend_all();
    CHECK(misuses.empty());
    CHECK(f.spans() <= 1);  // what stood ready in the lost thread's list holds one
}

TEST_CASE("heap_fork: blocks that are freed while the kernel copies stay out, whatever their first word became",
          "[malloc][heap_fork]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    auto blocks = take(lost, 2000, 80);
    for (std::size_t i = 0; i < 1000; ++i) f.free(lost, blocks[i]);
    f.registry.before_fork(*f.store, &mine);
    for (std::size_t i = 1000; i < 1020; ++i) {  // the fast path of a thread that goes on; its pages were copied before
        f.free(lost, blocks[i]);
        *static_cast<void**>(blocks[i]) = blocks[1999];
    }
    f.registry.after_fork_in_child(*f.store, &mine);
    for (int i = 0; i < 3000; ++i) {
        void* p = mine.allocate(80);
        for (std::size_t k = 1000; k < 2000; ++k) {
            if (p == blocks[k]) FAIL("a block that may be in use was handed out");
        }
    }
    CHECK(misuses.empty());
}

TEST_CASE("heap_fork: mail and parcels under way arrive in the child", "[malloc][heap_fork]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    auto theirs = take(lost, 5, 500);
    auto ours = take(mine, 5, 500);
    f.free(mine, theirs[0]);   // waits in the outbox of mine
    f.free(lost, ours[0]);     // and of lost
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_child(*f.store, &mine);
    for (std::size_t i = 1; i < 5; ++i) {
        f.free(mine, theirs[i]);
        f.free(mine, ours[i]);
    }
    mine.settle();
    f.registry.tend_all();  // mends the lost heap, and its parcel comes home
    mine.settle();
    CHECK(misuses.empty());
    CHECK(f.spans() <= 1);
}

TEST_CASE("heap_fork: a new thread of the child takes the heap of a lost one", "[malloc][heap_fork]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    auto blocks = take(lost, 3000, 200);
    for (void* p : blocks) f.free(lost, p);
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_child(*f.store, &mine);
    heap_type& next = f.attach();
    CHECK(&next == &lost);
    const std::size_t spans = f.spans();
    take(next, 100, 200);
    CHECK(f.spans() <= spans + 1);
    CHECK(misuses.empty());
}

TEST_CASE("heap_fork: what was handed out while the kernel copied is no block freed twice, though its copy looks free",
          "[malloc][heap_fork]") {
    for (const std::size_t size : {80u, 3000u}) {
        fixture f;
        heap_type& lost = f.attach();
        heap_type& mine = f.attach();
        auto theirs = take(lost, 8, size);
        auto ours = take(mine, 8, size);
        for (std::size_t i = 0; i < 4; ++i) f.free(lost, ours[i]);  // above 1 KiB they stand ready in the other thread's list
        f.registry.before_fork(*f.store, &mine);
        auto published = take(lost, 8, size);
        for (void* p : published) static_cast<node*>(p)->set_mark(f.store->key());  // the child has an older copy
        f.registry.after_fork_in_child(*f.store, &mine);
        CHECK(f.usable(published[0]) >= size);
        void* const moved = mine.reallocate(published[1], 3 * size);
        CHECK((moved != nullptr && moved != published[1]));
        for (void* p : published) f.free(mine, p);
        for (void* p : theirs) f.free(mine, p);
        for (std::size_t i = 4; i < 8; ++i) f.free(mine, ours[i]);
        f.free(mine, moved);
        CHECK(misuses.empty());
        std::vector<void*> fresh = take(mine, 2000, size);
        std::sort(fresh.begin(), fresh.end());
        CHECK(std::adjacent_find(fresh.begin(), fresh.end()) == fresh.end());
    }
}

TEST_CASE("heap_fork: in the child a second free is reported where the block is this thread's, and does nothing elsewhere",
          "[malloc][heap_fork]") {
    for (const std::size_t size : {80u, 3000u}) {
        fixture f;
        heap_type& lost = f.attach();
        heap_type& mine = f.attach();
        auto theirs = take(lost, 8, size);
        auto ours = take(mine, 8, size);
        f.registry.before_fork(*f.store, &mine);
        f.registry.after_fork_in_child(*f.store, &mine);
        f.free(mine, ours[3]);
        f.free(mine, ours[3]);
        REQUIRE(misuses.size() == 1);
        CHECK((misuses[0].kind == misuse_kind::twice && misuses[0].pointer == ours[3]));
        misuses.clear();
        f.free(mine, theirs[3]);
        f.free(mine, theirs[3]);
        std::vector<void*> fresh = take(mine, 2000, size);
        std::sort(fresh.begin(), fresh.end());
        CHECK(std::adjacent_find(fresh.begin(), fresh.end()) == fresh.end());
        misuses.clear();
        void* const young = fresh.back();  // of a span that began in the child
        f.free(mine, young);
        f.free(mine, young);
        CHECK(misuses.size() == 1);
    }
}

TEST_CASE("heap_fork: the parent goes on as if nothing had been", "[malloc][heap_fork]") {
    fixture f;
    heap_type& other = f.attach();
    heap_type& mine = f.attach();
    auto blocks = take(other, 3000, 80);
    for (std::size_t i = 0; i < 1500; ++i) f.free(other, blocks[i]);
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_parent(*f.store);
    for (std::size_t i = 1500; i < 3000; ++i) f.free(mine, blocks[i]);
    mine.settle();
    other.settle();
    CHECK(misuses.empty());
    CHECK(f.spans() == 0);
}
