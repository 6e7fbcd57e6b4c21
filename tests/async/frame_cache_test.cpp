// Frames kept by size: reuse, limits, and what comes back after the cache has closed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "ashlar/async/frame_cache.hpp"
#include "ashlar/compose/failing.hpp"

using namespace ashlar;

namespace {

/// Counts what is out, and refuses when told.
struct counting {
    static constexpr bool is_thread_safe = true;
    result<block> allocate(layout l) noexcept {
        if (refuses) return alloc_error{};
        ++granted;
        return system::allocate(l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        --granted;
        system::deallocate(p, l);
    }
    int granted = 0;
    bool refuses = false;
};

}  // namespace

TEST_CASE("frame_cache: a frame that ended serves the next of its size, and no other size", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    for (const std::size_t size : {std::size_t{1}, std::size_t{48}, std::size_t{49}, std::size_t{1024}, std::size_t{4096}}) {
        void* const first = cache.allocate(size);
        REQUIRE(first != nullptr);
        CHECK(is_aligned(first, 16));
        std::memset(first, 1, size);
        cache.deallocate(first, size);
        void* const other = cache.allocate(size + 64);
        CHECK(other != first);
        CHECK(cache.allocate(size) == first);
        cache.deallocate(first, size);
        cache.deallocate(other, size + 64);
    }
    cache.trim();
    CHECK(upstream.granted == 0);
    CHECK(cache.idle_bytes() == 0);
}

TEST_CASE("frame_cache: a frame above 4 KiB comes from the upstream and goes back to it", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    for (const std::size_t size : {std::size_t{4097}, std::size_t{4144}, std::size_t{100'000}}) {
        void* const p = cache.allocate(size);
        REQUIRE(p != nullptr);
        std::memset(p, 2, size);
        CHECK(upstream.granted == 1);
        cache.deallocate(p, size);
        CHECK(upstream.granted == 0);
    }
    CHECK(cache.allocate(SIZE_MAX) == nullptr);
    CHECK(cache.allocate(PTRDIFF_MAX) == nullptr);
}

TEST_CASE("frame_cache: keeps no more than its bytes of each class, and again as many after a trim", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    constexpr std::size_t most = frame_cache<counting>::kept_bytes / 4160;
    static void* frames[most + 5];
    for (int round = 0; round < 2; ++round) {
        for (void*& f : frames) f = cache.allocate(4096);
        for (void* f : frames) cache.deallocate(f, 4096);
        CHECK(upstream.granted == static_cast<int>(most));
        CHECK(cache.idle_bytes() == most * 4160);
        cache.trim();
        CHECK(upstream.granted == 0);
    }
}

TEST_CASE("frame_cache: a refused frame changes nothing", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    void* const held = cache.allocate(100);
    upstream.refuses = true;
    CHECK(cache.allocate(100) == nullptr);
    CHECK(cache.allocate(5000) == nullptr);
    CHECK(upstream.granted == 1);
    cache.deallocate(held, 100);
    CHECK(cache.allocate(100) == held);
    cache.deallocate(held, 100);
}

TEST_CASE("frame_cache: what others give back is used again; after close it goes to the upstream at once", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    const auto returned_by_other = [&](void* p, std::size_t size) {
        frame_header& h = frame_header::of(p);
        CHECK(h.origin == &cache);
        h.origin->take_back(*h.origin, h, size);
    };
    void* const a = cache.allocate(200);
    void* const b = cache.allocate(300);
    void* const c = cache.allocate(9000);
    returned_by_other(a, 200);
    returned_by_other(b, 300);
    returned_by_other(c, 9000);
    CHECK(upstream.granted == 2);
    CHECK(cache.allocate(300) == b);
    CHECK(cache.allocate(200) == a);
    CHECK(upstream.granted == 2);
    returned_by_other(a, 200);
    cache.close();
    CHECK(upstream.granted == 1);
    returned_by_other(b, 300);
    CHECK(upstream.granted == 0);
    cache.open();
    void* const again = cache.allocate(64);
    cache.deallocate(again, 64);
    CHECK(cache.idle_bytes() == 128);
}

TEST_CASE("frame_cache: what its own thread gives back after close goes to the upstream at once", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    void* frames[3];
    for (void*& f : frames) f = cache.allocate(200);
    cache.deallocate(frames[0], 200);
    cache.close();
    CHECK(upstream.granted == 2);
    cache.deallocate(frames[1], 200);
    CHECK(upstream.granted == 1);
    cache.trim();
    cache.deallocate(frames[2], 200);
    CHECK(upstream.granted == 0);
    CHECK(cache.idle_bytes() == 0);
}

TEST_CASE("frame_cache: any number of frames, ended in any order, are all kept and all taken again", "[async][frame_cache]") {
    counting upstream;
    frame_cache<counting> cache(upstream);
    for (const std::size_t live : {std::size_t{2}, std::size_t{3}, std::size_t{40}}) {
        std::vector<void*> frames(live), again(live);
        for (void*& f : frames) f = cache.allocate(64);
        for (std::size_t i = 0; i < live; ++i) cache.deallocate(frames[i * 7 % live], 64);  // 7 divides none of them
        CHECK(cache.idle_bytes() == live * 128);
        for (void*& f : again) f = cache.allocate(64);
        CHECK(cache.idle_bytes() == 0);
        std::sort(frames.begin(), frames.end());
        std::sort(again.begin(), again.end());
        CHECK(again == frames);
        for (void* f : again) std::memset(f, 3, 64);
        for (void* f : again) cache.deallocate(f, 64);
    }
    CHECK(upstream.granted == 40);
}

TEST_CASE("frame_cache: one that keeps nothing serves threads that have none of their own", "[async][frame_cache]") {
    frame_cache<> none(frame_cache<>::keeping_nothing{});
    void* const p = none.allocate(100);
    REQUIRE(p != nullptr);
    CHECK_FALSE(none.keep(p, 100));
    none.deallocate(p, 100);
    CHECK(none.idle_bytes() == 0);
}
