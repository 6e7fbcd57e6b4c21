#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "ashlar/compose/locked.hpp"
#include "ashlar/compose/thread_cached.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/strategy/system.hpp"

using namespace ashlar;

namespace {
using counted = tracked<ashlar::system, live_blocks, live_bytes>;
using shared = locked<counted, std::mutex>;
struct fixture {
    counted upstream;
    shared locked_upstream{upstream};
    std::size_t live() const { return upstream.counter<live_blocks>().value; }
};
layout bytes(std::size_t n) { return *layout::make(n, 8); }
}  // namespace

TEST_CASE("thread_cached: a thread that ends hands its blocks over", "[compose][thread_cached]") {
    fixture f;
    thread_cached<shared> a(f.locked_upstream);
    std::thread([&] {
        std::byte* p[8];
        for (auto& one : p) one = a.allocate(bytes(64))->data;
        for (auto* one : p) a.deallocate(one, bytes(64));
    }).join();
    CHECK(f.live() == 0);
}

TEST_CASE("thread_cached: the allocator ends while a thread that used it lives on", "[compose][thread_cached]") {
    fixture f;
    std::optional<thread_cached<shared>> a(std::in_place, f.locked_upstream);
    std::atomic<int> stage{0};
    std::thread user([&] {
        a->deallocate(a->allocate(bytes(64))->data, bytes(64));
        stage = 1;
        stage.notify_all();
        stage.wait(1);
        thread_cached<shared> later(f.locked_upstream);  // has a cache of its own, wherever it stands
        later.deallocate(later.allocate(bytes(64))->data, bytes(64));
    });
    stage.wait(0);
    CHECK(f.live() == 2);  // the block and the thread's record
    a.reset();
    CHECK(f.live() == 0);  // thread_cached.I2
    stage = 2;
    stage.notify_all();
    user.join();
    CHECK(f.live() == 0);
}

TEST_CASE("thread_cached: threads and allocators that end at once give everything back", "[compose][thread_cached]") {
    fixture f;
    for (int round = 0; round < 20; ++round) {
        std::vector<std::unique_ptr<thread_cached<shared>>> all;
        for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<thread_cached<shared>>(f.locked_upstream));
        std::atomic<bool> used = false;
        std::thread user([&] {
            for (auto& a : all) a->deallocate(a->allocate(bytes(64))->data, bytes(64));
            used = true;
            used.notify_all();
        });  // ends, and gives its caches up, while the allocators end
        used.wait(false);
        all.clear();
        user.join();
        REQUIRE(f.live() == 0);
    }
}

TEST_CASE("thread_cached: blocks are given back by other threads than were granted them", "[compose][thread_cached]") {
    fixture f;
    {
        thread_cached<shared> a(f.locked_upstream);
        std::atomic<std::byte*> slots[16] = {};
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                for (unsigned i = 0; i < 3000; ++i) {
                    const auto b = a.allocate(bytes(24));
                    if (!b) continue;
                    b->data[0] = std::byte(t);
                    if (auto* const old = slots[(i * 7 + t) % 16].exchange(b->data)) a.deallocate(old, bytes(24));
                }
            });
        }
        for (auto& t : threads) t.join();
        for (auto& s : slots) {
            if (auto* const p = s.load()) a.deallocate(p, bytes(24));
        }
    }
    CHECK(f.live() == 0);
    CHECK(f.upstream.counter<live_bytes>().value == 0);
}
