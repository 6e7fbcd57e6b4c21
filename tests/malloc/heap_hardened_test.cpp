#include "ashlar/malloc/heap_hardened.hpp"

#include "ashlar/malloc/heap_walk.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
options hardened(int tier) {
    options o = still();
    o.harden = tier;
    o.quarantine_bytes = 0;
    return o;
}
}  // namespace

TEST_CASE("heap_hardened: blocks are granted, freed and given back as without it", "[malloc][heap_hardened]") {
    for (const int tier : {1, 2}) {
        fixture f(hardened(tier));
        heap_type& h = f.attach();
        heap_type& other = f.attach();
        std::vector<std::pair<unsigned char*, std::size_t>> live;
        numbers next(11);
        for (int i = 0; i < 20'000; ++i) {
            if (live.size() < 200 || next.below(2) == 0) {
                const std::size_t size = next.below(i % 16 == 0 ? 40'000 : 600) + 1;
                auto* p = static_cast<unsigned char*>(i % 3 == 0 ? h.allocate_zeroed(size) : h.allocate(size));
                REQUIRE(p != nullptr);
                if (i % 3 == 0 && !all_bytes(p, size, 0)) FAIL("not zero");
                std::memset(p, static_cast<int>(size & 0xff), size);
                live.emplace_back(p, size);
            } else {
                const std::size_t k = next.below(live.size());
                const auto [p, size] = live[k];
                if (!all_bytes(p, size, static_cast<unsigned char>(size & 0xff))) FAIL("another block was written");
                f.free(i % 5 == 0 ? other : h, p);
                live[k] = live.back();
                live.pop_back();
            }
        }
        for (const auto& [p, size] : live) f.free(h, p);
        other.settle();
        h.settle();
        CHECK(misuses.empty());
        CHECK(f.spans() == 0);
    }
}

TEST_CASE("heap_hardened: a write into a freed block is found when it is handed out", "[malloc][heap_hardened]") {
    for (const int tier : {1, 2}) {
        for (const std::size_t size : {16u, 24u, 200u, 4096u, 40'000u}) {
            for (const std::size_t at : {std::size_t{0}, std::size_t{8}, size - 8}) {
                if (at >= 16 && tier == 1) continue;  // only the second tier looks at all bytes
                fixture f(hardened(tier));
                heap_type& h = f.attach();
                auto* p = static_cast<unsigned char*>(h.allocate(size));
                void* keeps_the_span = h.allocate(size);
                f.free(h, p);
                p[at] ^= 1;  // heap_hardened.I2
                for (int i = 0; i < 10'000 && misuses.empty(); ++i) REQUIRE(h.allocate(size) != nullptr);
                REQUIRE(misuses.size() == 1);
                CHECK(misuses.front().kind == misuse_kind::corrupted);
                CHECK(misuses.front().block == p);
                f.free(h, keeps_the_span);
                CHECK(misuses.size() == 1);
            }
        }
    }
}

TEST_CASE("heap_hardened: a block has exactly the bytes that were asked for, also when it is resized or aligned",
          "[malloc][heap_hardened]") {
    for (const int tier : {1, 2}) {
        fixture f(hardened(tier));
        heap_type& h = f.attach();
        for (const std::size_t size : {0u, 1u, 8u, 9u, 16u, 100u, 1024u, 4096u, 60'000u}) {
            void* p = h.allocate(size);
            CHECK(f.usable(p) == size);
            p = h.reallocate(p, size + 5);
            CHECK(f.usable(p) == size + 5);
            p = h.reallocate(p, size / 2 + 1);
            CHECK(f.usable(p) == size / 2 + 1);
            f.free(h, p);
            void* const aligned = h.allocate_aligned(size + 1, 256);
            CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0);
            CHECK(f.usable(aligned) == size + 1);
            heap_type::release_sized(*f.store, f.registry, &h, aligned, {size + 1, 256}, "operator delete");
        }
        void* large = h.allocate(70'000);
        CHECK(f.usable(large) == 70'000);
        large = h.reallocate(large, 3'000'000);
        CHECK(f.usable(large) == 3'000'000);
        large = h.reallocate(large, 1'600'000);
        CHECK(f.usable(large) == 1'600'000);
        large = h.reallocate(large, 7'000'000);
        CHECK(f.usable(large) == 7'000'000);
        f.free(h, large);
        CHECK(misuses.empty());
        void* const p = h.allocate(100);
        heap_type::release_sized(*f.store, f.registry, &h, p, {101, 1}, "operator delete");  // of the same class
        REQUIRE(misuses.size() == 1);
        CHECK(misuses.front().kind == misuse_kind::wrong_size);
    }
}

TEST_CASE("heap_hardened: a write behind the end of a block is found when it is freed or resized, by any thread's heap",
          "[malloc][heap_hardened]") {
    for (const std::size_t size : {0u, 1u, 8u, 15u, 24u, 100u, 1000u, 40'000u, 300'000u, 6'000'000u}) {
        fixture f(hardened(1));
        heap_type& h = f.attach();
        heap_type& other = f.attach();
        auto* p = static_cast<unsigned char*>(h.allocate(size));
        p[size] ^= 0x40;  // heap_hardened.I3
        f.free(other, p);
        REQUIRE(misuses.size() == 1);
        CHECK((misuses.back().kind == misuse_kind::overrun && misuses.back().block == p));
        CHECK(h.reallocate(p, size + 1) == nullptr);
        CHECK(misuses.size() == 2);
        p[size] ^= 0x40;
        f.free(other, p);
        CHECK(misuses.size() == 2);
    }
}

TEST_CASE("heap_hardened: a freed block is not the next to be handed out, and new ones come in no order",
          "[malloc][heap_hardened]") {
    fixture f(hardened(1));
    heap_type& h = f.attach();
    std::byte* blocks[60];
    for (std::byte*& p : blocks) p = static_cast<std::byte*>(h.allocate(64));
    int ascending = 0;
    for (int i = 1; i < 60; ++i) ascending += blocks[i] == blocks[i - 1] + 80 ? 1 : 0;
    CHECK(ascending < 50);  // half of them: two runs
    f.free(h, blocks[7]);
    for (int i = 0; i < 500; ++i) {
        if (h.allocate(64) == blocks[7]) FAIL("reused after " << i);
    }
}

TEST_CASE("heap_hardened: with harden = 2 a freed block waits until enough others were freed, and a write to it is found then",
          "[malloc][heap_hardened]") {
    options o = hardened(2);
    o.quarantine_bytes = 10'000;
    for (const std::size_t at : {0u, 8u, 50u}) {
        fixture f(o);
        heap_type& h = f.attach();
        heap_type& other = f.attach();
        auto* const p = static_cast<std::byte*>(h.allocate(80));
        f.free(at == 8 ? other : h, p);
        p[at] ^= std::byte{4};
        for (int i = 0; i < 90; ++i) f.free(at == 8 ? other : h, h.allocate(80));  // 96 bytes each
        if (at != 0) CHECK(misuses.empty());  // heap_hardened.I4
        for (int i = 0; i < 30; ++i) f.free(at == 8 ? other : h, h.allocate(80));
        REQUIRE(misuses.size() == 1);
        CHECK((misuses.front().kind == misuse_kind::corrupted && misuses.front().block == p));
    }
    fixture f(o);
    heap_type& h = f.attach();
    for (int i = 0; i < 50; ++i) f.free(h, h.allocate(1000));
    h.settle();  // what was held goes back
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap_hardened: with harden = 2 pages behind spans and large blocks are guarded, and large blocks that ended stay away",
          "[malloc][heap_hardened]") {
    fixture f(hardened(2));
    heap_type& h = f.attach();
    for (const std::size_t size : {100u, 40'000u, 300'000u, 6'000'000u}) {
        auto* const p = static_cast<std::byte*>(h.allocate(size));
        const span_type& s = *f.store->find(p);
        if (size > 5'000'000) CHECK(s.fenced);  // Linux 6.13 for the others
        CHECK((f.store->seal_key() & 1) != 0);  // no canary begins with the end of a string
        CHECK(s.capacity * s.block_size <= s.slices * slice_size);
        std::memset(p, 7, size);
        f.free(h, p);
        if (size < 65'536) continue;
        CHECK(f.store->find(p)->ended);
        CHECK_FALSE(f.pages.is_committed(p, 4096));
        CHECK_FALSE(owner_of(*f.store, p));
        f.free(h, p);
        REQUIRE(misuses.size() == 1);
        CHECK(misuses.front().kind == misuse_kind::twice);
        misuses.clear();
        for (int i = 0; i < 70; ++i) f.free(h, h.allocate(size));
    }
    f.pages.limit(std::size_t{64} << 20);  // what is kept out of use gives way
    for (int i = 0; i < 40; ++i) {
        void* const p = h.allocate(6'000'000);
        REQUIRE(p != nullptr);
        f.free(h, p);
    }
    h.settle();
    static_cast<void>(f.store->trim());
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
}

TEST_CASE("heap_hardened: with harden = 1 the paths before the slow one serve and check small blocks of this thread",
          "[malloc][heap_hardened]") {
    fixture f(hardened(1));
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    const auto pushed = [](heap_type& by, void* p, block_claim claim = {0, 0}) {
        return by.push_sealed(by.store().key(), *by.store().find(p), p, claim);
    };
    void* const first = h.allocate(90);  // cuts a page of blocks
    void* const p = h.pop_sealed(f.store->key(), 90);
    REQUIRE(p != nullptr);
    CHECK(f.usable(p) == 90);
    CHECK((h.pop_sealed(f.store->key(), 5000) == nullptr && h.pop_sealed(f.store->key(), SIZE_MAX - 3) == nullptr));
    CHECK(h.pop_sealed(f.store->key(), 200) == nullptr);  // nothing of that class is ready
    CHECK_FALSE(pushed(h, static_cast<std::byte*>(p) + 16));
    CHECK_FALSE(pushed(h, &f));
    CHECK_FALSE(pushed(other, p));
    CHECK_FALSE(pushed(h, p, {89, 1}));
    static_cast<unsigned char*>(p)[90] ^= 1;
    CHECK_FALSE(pushed(h, p));
    static_cast<unsigned char*>(p)[90] ^= 1;
    CHECK(pushed(h, p, {90, 1}));
    CHECK_FALSE(pushed(h, p));
    CHECK(pushed(h, first));
    h.settle();
    CHECK(f.spans() == 0);
    CHECK(misuses.empty());
    fixture plain(hardened(0));
    heap_type& g = plain.attach();
    void* const q = g.allocate(90);
    CHECK((g.pop_sealed(plain.store->key(), 90) == nullptr && !pushed(g, q)));
}
