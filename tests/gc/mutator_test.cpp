#include "ashlar/gc/mutator.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "ashlar/gc/member.hpp"
#include "ashlar/gc/weak.hpp"

using namespace ashlar;

namespace {

struct item {
    gc::member<item> next, other;
    std::size_t value = 0;
    static constexpr auto gc_members = gc::members(&item::next, &item::other);
};
struct board {
    gc::member<item> places[64];
    void trace(auto& visit) const { visit(places); }
};

std::size_t length(const item* i) {
    std::size_t n = 0;
    for (; i != nullptr; i = i->next.get()) ++n;
    return n;
}

/// Lists of its own of known lengths, and others handed over by the board; returns whether all were as they should be.
bool play(gc::shared_heap& shared, const gc::root<board>& all, unsigned seed) {
    gc::mutator m(shared);
    std::mt19937 random(seed);
    std::vector<gc::root<item>> mine(8);
    std::vector<std::size_t> lengths(8);
    bool right = true;
    for (int i = 0; i != 3000; ++i) {
        const std::size_t k = random() % mine.size();
        switch (random() % 16) {
            case 0: all->places[random() % 64] = mine[k]; break;
            case 1:
                mine[k] = gc::root<item>(all->places[random() % 64]);  // another thread's, maybe: no longer than it was when it was put there
                lengths[k] = length(mine[k].get());
                break;
            case 2: m.safepoint(); break;
            case 3: {
                const gc::blocking b(m);
                std::this_thread::yield();
                break;
            }
            case 4: mine[k] = nullptr, lengths[k] = 0; break;
            case 5:
                if (i % 40 == 0) m.compact();
                break;
            case 6:
                if (i % 20 == 0) m.collect();
                break;
            default: {
                const item* const before = mine[k].get();
                auto made = m.make<item>();
                right &= before == mine[k].get();  // mutator.I2
                made->next = mine[k];
                made->value = ++lengths[k];
                mine[k] = std::move(made);
            }
        }
        right &= length(mine[k].get()) == lengths[k];
    }
    return right;
}

}  // namespace

TEST_CASE("mutator: threads that make, hand over, collect and compact keep what they hold", "[gc][mutator]") {
    gc::shared_heap shared({.headroom = 100'000, .growth = 0, .zeal = {.poison = true}});
    gc::root<board> all;
    {
        gc::mutator m(shared);
        all = m.make<board>();
    }
    std::atomic<int> right{0};
    {
        std::vector<std::jthread> threads;
        for (unsigned seed = 1; seed != 4; ++seed) threads.emplace_back([&, seed] { right += play(shared, all, seed); });
    }
    CHECK(right == 3);
    gc::mutator m(shared);
    CHECK(m.all().verify());
    CHECK(m.all().stats().compactions > 0);
    all = nullptr;
    m.collect();
    CHECK(m.all().stats().live == 0);
}

TEST_CASE("mutator: a thread that makes lets one run that waits, and nothing moves before it leaves make", "[gc][mutator]") {
    gc::shared_heap shared({.headroom = 100'000, .growth = 0});
    gc::mutator m(shared);
    std::atomic<bool> registered{false}, compacted{false};
    std::jthread other([&] {
        gc::mutator o(shared);
        registered = true;
        o.compact();
        compacted = true;
    });
    auto low = m.make<item>();
    auto kept = m.make<item>();
    low = nullptr;
    const item* const before = kept.get();
    while (!registered) m.make<item>();
    for (int i = 0; i != 10'000; ++i) m.make<item>();
    CHECK(kept.get() == before);
    CHECK(!compacted);
    while (!compacted) m.safepoint();
    CHECK(kept.get() < before);
}

TEST_CASE("mutator: who blocks holds nobody up, and objects are found by another thread's collection", "[gc][mutator]") {
    gc::shared_heap shared;
    gc::mutator m(shared);
    auto held = m.make<item>();
    held->value = 7;
    const gc::weak<item> watched(held);
    {
        const gc::blocking b(m);
        std::jthread([&] {
            gc::mutator o(shared);
            o.collect();
        }).join();
    }
    CHECK(held->value == 7);
    held = nullptr;
    {
        const gc::blocking b(m);
        std::jthread([&] {
            gc::mutator o(shared);
            o.collect();
        }).join();
    }
    CHECK(watched.expired());
}
