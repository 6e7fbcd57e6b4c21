#include "ashlar/malloc/heap_hardened.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
options hardened(int tier) {
    options o = still();
    o.harden = tier;
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
            if (h.ready(3) != 0) FAIL("the fast path has blocks");  // heap_hardened.I1
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

TEST_CASE("heap_hardened: a freed block is not the next to be handed out, and new ones come in no order",
          "[malloc][heap_hardened]") {
    fixture f(hardened(1));
    heap_type& h = f.attach();
    std::byte* blocks[60];
    for (std::byte*& p : blocks) p = static_cast<std::byte*>(h.allocate(64));
    int ascending = 0;
    for (int i = 1; i < 60; ++i) ascending += blocks[i] == blocks[i - 1] + 64 ? 1 : 0;
    CHECK(ascending < 20);
    f.free(h, blocks[7]);
    for (int i = 0; i < 500; ++i) {
        if (h.allocate(64) == blocks[7]) FAIL("reused after " << i);
    }
}
