#include <map>

#include "ashlar/malloc/heap.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("heap: blocks are aligned, disjoint, inside committed memory, and hold what was asked", "[malloc][heap]") {
    for (const std::size_t page : {0u, 16u * 1024, 64u * 1024}) {
        fixture f(still(), page);
        heap_type& h = f.attach();
        std::map<std::byte*, std::size_t> live;
        numbers next(3);
        for (int i = 0; i < 6000; ++i) {
            const std::size_t size = next.below(i % 3 == 0 ? 70'000 : 700);
            auto* p = static_cast<std::byte*>(h.allocate(size));
            REQUIRE(p != nullptr);
            const std::size_t usable = f.usable(p);
            if (!ashlar::is_aligned(p, 16) || usable < size) FAIL("a bad block");
            if (!f.pages.is_committed(p, usable)) FAIL("not committed");
            const auto after = live.lower_bound(p);
            if (after != live.end() && p + usable > after->first) FAIL("overlaps the next");
            if (after != live.begin()) {
                const auto before = std::prev(after);
                if (before->first + before->second > p) FAIL("overlaps the one before");
            }
            live.emplace(p, usable);
            if (next.below(3) == 0) {
                auto victim = live.begin();
                std::advance(victim, static_cast<std::ptrdiff_t>(next.below(live.size() < 50 ? live.size() : 50)));
                f.free(h, victim->first);
                live.erase(victim);
            }
        }
        for (const auto& [p, size] : live) f.free(h, p);
        CHECK(misuses.empty());
        h.settle();
        CHECK(f.spans() == 0);  // heap.I2: every span was in a list, so every empty one was found
    }
}

TEST_CASE("heap: a freed block is handed out again before memory is taken", "[malloc][heap]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 3000; ++i) blocks.push_back(h.allocate(64));
    const std::size_t spans = f.spans();
    for (int round = 0; round < 20; ++round) {
        for (void* p : blocks) f.free(h, p);
        for (void*& p : blocks) p = h.allocate(64);
        CHECK(f.spans() <= spans);
    }
    for (void* p : blocks) f.free(h, p);
    h.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap: a full span is used again when an eighth of it is free", "[malloc][heap]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 3 * 512; ++i) blocks.push_back(static_cast<std::byte*>(h.allocate(128)));
    CHECK(f.spans() == 3);
    for (int i = 0; i < 32; ++i) f.free(h, blocks[static_cast<std::size_t>(i)]);
    for (int i = 0; i < 32; ++i) blocks[static_cast<std::size_t>(i)] = static_cast<std::byte*>(h.allocate(128));
    CHECK(f.spans() == 3);
    for (std::byte* p : blocks) f.free(h, p);
}

TEST_CASE("heap: the counts of blocks handed out match what is out", "[malloc][heap]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(h.allocate(200));
    const std::size_t c = ashlar::class_of_size(std::size_t{200});
    CHECK(h.counts().handed[c] - h.ready(c) == 1000);  // heap.I1
    for (void* p : blocks) f.free(h, p);
}

TEST_CASE("heap: the larger block that was freed last is granted next, whoever's it was", "[malloc][heap]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    for (const std::size_t size : {1100u, 5000u, 30'000u}) {
        void* a = h.allocate(size);
        void* b = other.allocate(size);
        f.free(h, a);
        f.free(h, b);
        const std::size_t c = ashlar::class_of_size(size);
        CHECK(h.pop_cached(f.store->key(), f.store->classes(), size) == b);
        CHECK(h.pop_cached_class(f.store->key(), c) == a);
        f.free(other, b);
        f.free(h, a);
    }
    h.settle();
    other.settle();
    h.settle();
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap: of the larger blocks that were freed, a bounded number stands ready", "[malloc][heap]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(h.allocate(4096));
    for (void* p : blocks) f.free(h, p);
    CHECK(h.ready(ashlar::class_of_size(std::size_t{4096})) * 4096 <= heap_type::cached_bytes);
    CHECK(f.spans() <= 1000 * 4096 / slice_size / 8);
    h.settle();
    CHECK(f.spans() == 0);
}
