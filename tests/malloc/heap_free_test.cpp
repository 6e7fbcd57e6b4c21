#include "ashlar/malloc/heap_free.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("heap_free: a block freed by another heap comes home at the owner's next refill", "[malloc][heap_free]") {
    fixture f;
    heap_type& owner = f.attach();
    heap_type& other = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.push_back(owner.allocate(100));
    const std::size_t spans = f.spans();
    for (int round = 0; round < 10; ++round) {
        for (void* p : blocks) f.free(other, p);
        for (void*& p : blocks) p = owner.allocate(100);
        CHECK(f.spans() <= spans + 1);
    }
    for (void* p : blocks) f.free(other, p);
    other.settle();
    owner.settle();
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap_free: blocks freed here and there mix, and all come home", "[malloc][heap_free]") {
    fixture f;
    heap_type& owner = f.attach();
    heap_type& other = f.attach();
    numbers next(6);
    std::vector<void*> blocks;
    for (int i = 0; i < 100'000; ++i) {
        if (blocks.size() < 500 || next.below(2) == 0) {
            blocks.push_back(owner.allocate(next.below(3) == 0 ? 3000 : 48));
        } else {
            const std::size_t k = next.below(blocks.size());
            f.free(next.below(2) == 0 ? owner : other, blocks[k]);
            blocks[k] = blocks.back();
            blocks.pop_back();
        }
    }
    for (void* p : blocks) f.free(other, p);
    other.settle();
    owner.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_free: what follows a block of its span into a parcel takes the short path, if it is one", "[malloc][heap_free]") {
    fixture f;
    heap_type& owner = f.attach();
    heap_type& other = f.attach();
    const auto joins = [&](void* p) { return other.push_second(*f.store, f.store->key(), *f.store->find(p), p); };
    const auto joins_sized = [&](void* p, std::size_t size) {
        return other.push_second(*f.store, f.store->key(), *f.store->find(p), p, size);
    };
    void* blocks[24];
    for (void*& p : blocks) p = owner.allocate(96);
    CHECK_FALSE(joins(blocks[0]));  // there is no parcel yet
    heap_type::release(*f.store, f.registry, &other, blocks[0], "free");
    CHECK_FALSE(joins(blocks[0]));  // free already
    CHECK_FALSE(joins(static_cast<std::byte*>(blocks[1]) + 16));
    CHECK_FALSE(joins_sized(blocks[1], 80));
    CHECK_FALSE(joins_sized(blocks[1], 97));
    CHECK(joins_sized(blocks[1], 96));
    for (int i = 2; i < 21; ++i) CHECK(joins(blocks[i]));
    CHECK_FALSE(joins(blocks[21]));  // the last one of a parcel sends it
    CHECK_FALSE(joins(blocks[20]));
    CHECK(misuses.empty());
    for (int i = 21; i < 24; ++i) f.free(other, blocks[i]);
    other.settle();
    owner.settle();
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap_free: few bytes wait in the outbox of the freeing heap", "[malloc][heap_free]") {
    fixture f;
    heap_type& owner = f.attach();
    heap_type& other = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 20'000; ++i) blocks.push_back(owner.allocate(256));
    for (void* p : blocks) f.free(other, p);
    owner.settle();
    CHECK(f.spans() <= 8);  // one for each parcel that is not full
    other.settle();
    owner.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_free: cleared on free, when asked for", "[malloc][heap_free]") {
    options o = still();
    o.zero_on_free = 1;
    fixture f(o);
    heap_type& h = f.attach();
    for (const std::size_t size : {64u, 3000u, 20'000u, 100'000u}) {
        auto* p = static_cast<std::byte*>(h.allocate(size));
        std::memset(p, 0xee, size);
        f.free(h, p);
        const std::size_t words = size <= ashlar::size_class_max ? sizeof(node) : 0;  // the link and the mark
        CHECK(all_bytes(p + words, size - words, 0));
    }
}

TEST_CASE("heap_free: an empty span goes back to the store, but for the last of its class", "[malloc][heap_free]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(h.allocate(8192));
    CHECK(f.spans() == 13);
    for (void* p : blocks) f.free(h, p);
    CHECK(f.spans() <= 2);
    h.settle();
    CHECK(f.spans() == 0);
}
