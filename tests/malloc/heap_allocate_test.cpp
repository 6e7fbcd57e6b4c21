#include "ashlar/malloc/heap_allocate.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("heap_allocate: zeroed blocks are zero, fresh or used before", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    numbers next(4);
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t size = 1 + next.below(i % 20 == 0 ? 300'000 : i % 5 == 0 ? 20'000 : 500);
        void* p = next.below(2) == 0 ? h.allocate_zeroed(size) : nullptr;
        if (p != nullptr && !all_bytes(p, size, 0)) FAIL("not zero at " << size);  // heap.I3
        if (p == nullptr) p = h.allocate(size);
        std::memset(p, 0xa5, f.usable(p));
        blocks.emplace_back(p, size);
        if (blocks.size() > 100) {
            const std::size_t k = next.below(blocks.size());
            f.free(h, blocks[k].first);
            blocks[k] = blocks.back();
            blocks.pop_back();
        }
    }
    for (const auto& [p, size] : blocks) f.free(h, p);
}

TEST_CASE("heap_allocate: aligned blocks are aligned, at every power of two to 16 MiB", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    for (std::size_t align = 1; align <= std::size_t{16} << 20; align *= 2) {
        for (const std::size_t size : {0u, 1u, 17u, 100u, 4096u, 5000u, 65'536u, 70'000u, 5'000'000u}) {
            void* p = h.allocate_aligned(size, align);
            REQUIRE(p != nullptr);
            CHECK(ashlar::is_aligned(p, align));
            CHECK(f.usable(p) >= size);
            std::memset(p, 1, size);
            f.free(h, p);
            CHECK(misuses.empty());
        }
    }
}

TEST_CASE("heap_allocate: sizes beyond any object are refused", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    const auto most = static_cast<std::size_t>(PTRDIFF_MAX);
    for (const std::size_t size : {most, most + 1, ~std::size_t{0}, most - 4095}) {
        CHECK(h.allocate(size) == nullptr);
        CHECK(h.allocate_zeroed(size) == nullptr);
        CHECK(h.allocate_aligned(size, 1 << 20) == nullptr);
    }
}

TEST_CASE("heap_allocate: a reallocated block keeps its contents, at every size", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    numbers next(5);
    std::size_t size = 1;
    auto* p = static_cast<unsigned char*>(h.allocate(size));
    p[0] = 7;
    for (int i = 0; i < 400; ++i) {
        const std::size_t now = 1 + next.below(std::size_t{1} << (1 + next.below(24)));
        auto* q = static_cast<unsigned char*>(h.reallocate(p, now));
        REQUIRE(q != nullptr);
        if (!all_bytes(q, size < now ? size : now, 7)) FAIL("lost bytes from " << size << " to " << now);
        CHECK(f.usable(q) >= now);
        std::memset(q, 7, now);
        p = q;
        size = now;
    }
    f.free(h, p);
    CHECK(misuses.empty());
}

TEST_CASE("heap_allocate: a block stays where a quarter of it is still in use, and no other thing does", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    const auto stays = [&](void* p, std::size_t size) {
        const std::size_t bytes = heap_type::bytes_at(*f.store, f.store->key(), p);
        return bytes != 0 && heap_type::near_enough(bytes, size);
    };
    for (const std::size_t size : {48u, 96u, 1024u, 1280u, 20'480u, 65'536u}) {
        auto* const p = static_cast<std::byte*>(h.allocate(size));
        CHECK(stays(p, size));
        CHECK(stays(p, size / 4));
        CHECK_FALSE(stays(p, size + 1));
        CHECK(stays(p, size / 4 - 1) == (size <= 64));
        CHECK_FALSE(stays(p + 16, 16));
        f.free(h, p);
        CHECK_FALSE(stays(p, size));
    }
    void* const large = h.allocate(100'000);
    CHECK_FALSE(stays(large, 100'000));  // what it does may be more than that
    CHECK_FALSE(stays(&f, 10));
    f.free(h, large);
}

TEST_CASE("heap_allocate: a large block grows where it is when there is room, without a copy", "[malloc][heap_allocate]") {
    fixture f;
    heap_type& h = f.attach();
    void* p = h.allocate(100'000);
    CHECK(h.reallocate(p, 3'000'000) == p);
    p = h.reallocate(p, 10 << 20);  // now a mapping
    REQUIRE(p != nullptr);
    const std::size_t remaps = f.pages.calls(page_call::remap);
    p = h.reallocate(p, 50 << 20);
    REQUIRE(p != nullptr);
    CHECK(f.pages.calls(page_call::remap) == remaps + 1);
    CHECK(f.usable(p) >= std::size_t{50} << 20);
    f.free(h, p);
}

TEST_CASE("heap_allocate: how much is prepared at a time follows the option", "[malloc][heap_allocate]") {
    std::uint64_t prepared[3];
    for (const std::int64_t policy : {0, 1, 2}) {
        options o = still();
        o.page_extend = policy;
        fixture f(o);
        heap_type& h = f.attach();
        for (int i = 0; i < 100; ++i) static_cast<void>(h.allocate(64));
        prepared[policy] = h.counts().handed[ashlar::class_of_size(std::size_t{64})];
    }
    CHECK(prepared[0] <= prepared[1]);
    CHECK(prepared[1] < prepared[2]);
}
