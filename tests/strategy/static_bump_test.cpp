#include "ashlar/strategy/static_bump.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "support/broken_contract.hpp"
#include "support/enrol.hpp"
#include "support/placed.hpp"
#include "support/serves.hpp"

using namespace ashlar;
using support::broken_contract;

namespace {
layout of(std::size_t size, std::size_t align = 1) { return *layout::make(size, align); }

constinit static_bump<4096, 64> early;  // constinit: the program would not compile if anything had to run first

/// Runs before main, and before the dynamic initialisation of everything else in this program.
__attribute__((constructor(101))) void before_main() {
    if (const auto b = early.allocate(of(100, 64))) b->data[0] = std::byte{42};
}
static_assert(std::is_trivially_destructible_v<static_bump<64>>, "usable until the last static destructor");
static_assert(sizeof(static_bump<4096, 64>) == 4096 + 64);
}  // namespace

TEST_CASE("static_bump: a function that runs before main can use it", "[strategy][static_bump]") {
    CHECK(early.room() < 4096);
    const std::byte* found = nullptr;
    for (std::size_t at = 0; at < 4096; at += 64) {  // its block is the first multiple of 64 behind a word
        const auto* p = reinterpret_cast<const std::byte*>(&early) + 64 + at;
        if (early.owns(p) && *p == std::byte{42}) found = p;
    }
    CHECK(found != nullptr);
}

TEST_CASE("static_bump: no two blocks of any threads overlap, and all of it can be granted", "[strategy][static_bump]") {
    static constinit static_bump<1 << 20> shared;
    constexpr std::size_t threads = 4;
    std::array<std::vector<block>, threads> got;
    std::vector<std::thread> running;
    for (std::size_t t = 0; t < threads; ++t) {
        running.emplace_back([&mine = got[t], t] {
            const std::size_t sizes[] = {1, 16, 40, 100, 250};
            const auto fill = static_cast<std::byte>(t + 1);
            for (std::size_t i = 0;; ++i) {
                const layout l = of(sizes[(i + t) % 5], i % 17 == 0 ? 64 : 8);
                const auto b = shared.allocate(l);
                if (!b) break;
                std::fill(b->data, b->end(), fill);
                if (i % 7 == 3) {  // the newest goes at once where no other thread was quicker
                    shared.deallocate(b->data, l);
                } else {
                    mine.push_back(*b);
                }
            }
        });
    }
    for (auto& t : running) t.join();
    std::vector<block> all;
    for (std::size_t t = 0; t < threads; ++t) {
        for (const block b : got[t]) {
            const bool untouched = std::all_of(b.data, b.end(), [&](std::byte x) { return x == static_cast<std::byte>(t + 1); });
            if (!untouched) FAIL("another thread wrote into a block");
            all.push_back(b);
        }
    }
    std::sort(all.begin(), all.end(), [](block x, block y) { return x.data < y.data; });
    for (std::size_t i = 1; i < all.size(); ++i) {
        if (all[i - 1].end() > all[i].data) FAIL("two blocks overlap");
    }
    CHECK(shared.room() < 336);
    CHECK(all.size() > 5000);
}

TEST_CASE("static_bump: given back by whichever thread, it is whole again", "[strategy][static_bump]") {
    static constinit static_bump<65536> shared;
    std::vector<std::thread> running;
    for (int t = 0; t < 4; ++t) {
        running.emplace_back([] {
            std::array<block, 8> held;
            for (int round = 0; round < 300; ++round) {
                std::size_t count = 0;
                for (; count < held.size(); ++count) {
                    const auto granted = shared.allocate(of(64));
                    if (!granted) break;  // the others have held it up: nothing is free again before all of them let go
                    held[count] = *shared.grow_in_place(granted->data, of(64), of(granted->size));
                    held[count].data[63] = std::byte{1};
                }
                for (std::size_t i = 0; i < count; ++i) shared.deallocate(held[i].data, of(64));
                if (!shared.available(of(64 * 8 * 4))) std::this_thread::yield();
            }
        });
        if (t % 2 == 1) {  // two at a time: what is held is bounded, what is not yet free again is not by much
            for (auto& r : running) r.join();
            running.clear();
            REQUIRE(shared.room() == shared.capacity());
        }
    }
}

TEST_CASE("static_bump: aligns the address, not the offset", "[strategy][static_bump]") {
    static static_bump<4096> a;
    static_cast<void>(a.allocate(of(1)));
    for (std::size_t align = 1; align <= 1024; align *= 2) {
        const auto b = a.allocate(of(1, align));
        REQUIRE(b);
        CHECK(is_aligned(b->data, align));
    }
    CHECK_FALSE(a.allocate(of(4096)));
    CHECK_FALSE(a.allocate(of(layout::max_size)));
    CHECK_FALSE(a.allocate(of(1, std::size_t{1} << 62)));
}

TEST_CASE("static_bump: the newest block grows, shrinks and is given back where it stands", "[strategy][static_bump]") {
    static static_bump<1024> a;
    const auto first = *a.allocate(of(100)), last = *a.allocate(of(100, 128));
    CHECK_FALSE(a.grow_in_place(first.data, of(100), of(200)));
    CHECK(a.grow_in_place(last.data, of(100, 128), of(400, 128)));
    CHECK_FALSE(a.grow_in_place(last.data, of(400, 128), of(4000, 128)));
    CHECK(a.shrink_in_place(last.data, of(400, 128), of(1, 128))->size == 16);
    a.deallocate(last.data, of(1, 128));
    CHECK(a.room() == 1024 - 112);
    a.deallocate(first.data, of(100));
    CHECK(a.room() == 1024);
}

TEST_CASE("static_bump: giving back what is not live breaks the contract and harms nothing", "[strategy][static_bump]") {
    static static_bump<1024> a;
    const auto b = *a.allocate(of(100)), c = *a.allocate(of(100));
    const auto room = a.room();
    std::byte foreign[16];
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data, of(500)); }).empty());
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data + 8, of(16)); }).empty());
    CHECK_FALSE(broken_contract([&] { a.deallocate(foreign, of(16)); }).empty());
    CHECK_FALSE(broken_contract([&] { a.deallocate(b.data, of(0)); }).empty());
    CHECK_FALSE(broken_contract([&] { a.deallocate(reinterpret_cast<std::byte*>(&a) - 64, of(16)); }).empty());
    CHECK_FALSE(a.owns(reinterpret_cast<std::byte*>(&a) - 64));
    CHECK_FALSE(broken_contract([&] { a.deallocate(c.end(), of(16)); }).empty());
    CHECK(a.room() == room);
    a.deallocate(c.data, of(100));
    CHECK_FALSE(broken_contract([&] { a.deallocate(c.data, of(100)); }).empty());
    a.deallocate(b.data, of(100));
}

ASHLAR_ENROL("static_bump", [](testing::ground& g) { return tests::placed<static_bump<8192>>(g); }, tests::serves_bumped());
