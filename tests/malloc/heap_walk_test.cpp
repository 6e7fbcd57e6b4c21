#include "ashlar/malloc/heap_walk.hpp"
#include "support.hpp"

#include <algorithm>
#include <set>
#include <thread>

using namespace test_malloc;

namespace {
using walked = std::vector<std::pair<void*, std::size_t>>;
walked walk(fixture& f, const heap_type* of = nullptr) {
    walked all;
    CHECK(walk_blocks(*f.store, of, [&](void* p, std::size_t size, heap_type*) {
        all.emplace_back(p, size);
        return true;
    }));
    std::sort(all.begin(), all.end());
    return all;
}
}  // namespace

TEST_CASE("heap_walk: what is in use is seen once, with its size; what is free is not", "[malloc][heap_walk]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    numbers next(3);
    std::vector<void*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.push_back(h.allocate(next.below(i % 50 == 0 ? 100'000 : 2000)));
    blocks.push_back(h.allocate(5 << 20));
    for (int i = 0; i < 3000; ++i) {
        std::swap(blocks[next.below(blocks.size())], blocks.back());
        f.free(i % 2 == 0 ? h : other, blocks.back());
        blocks.pop_back();
    }
    walked wanted;
    for (void* p : blocks) wanted.emplace_back(p, f.usable(p));
    std::sort(wanted.begin(), wanted.end());
    CHECK(walk(f) == wanted);
    h.read_mail();
    CHECK(walk(f) == wanted);
    for (void* p : blocks) f.free(h, p);
    CHECK(walk(f).empty());
}

TEST_CASE("heap_walk: a visitor ends the walk, and one heap's blocks can be asked for alone", "[malloc][heap_walk]") {
    fixture f;
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back((i % 4 == 0 ? other : h).allocate(300));
    int seen = 0;
    CHECK_FALSE(walk_blocks(*f.store, static_cast<heap_type*>(nullptr), [&](void*, std::size_t, heap_type*) { return ++seen < 10; }));
    CHECK(seen == 10);
    CHECK(walk(f, &h).size() == 75);
    CHECK(walk(f, &other).size() == 25);
    for (int i = 0; i < 100; ++i) f.free(i % 4 == 0 ? other : h, blocks[static_cast<std::size_t>(i)]);
}

TEST_CASE("heap_walk: an address leads to the block around it, and to nothing where there is none", "[malloc][heap_walk]") {
    fixture f;
    heap_type& h = f.attach();
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{9000}, std::size_t{100'000}, std::size_t{9} << 20}) {
        auto* p = static_cast<std::byte*>(h.allocate(size));
        for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
            const auto place = owner_of(*f.store, p + at);
            CHECK(place.start == p);
            CHECK(place.size == f.usable(p));
            CHECK(place.carved);
            CHECK(place.owner == (size > ashlar::size_class_max ? nullptr : &h));
        }
        f.free(h, p);
    }
    int local = 0;
    CHECK_FALSE(owner_of(*f.store, &local));
    CHECK_FALSE(owner_of(*f.store, nullptr));
    void* p = h.allocate(48);  // 1365 of them fill a slice but for its last 16 bytes
    const auto slice = reinterpret_cast<std::uintptr_t>(p) & ~std::uintptr_t{0xffff};
    CHECK_FALSE(owner_of(*f.store, reinterpret_cast<void*>(slice + 0xfff8)));
    CHECK_FALSE(owner_of(*f.store, reinterpret_cast<void*>(slice + 0xff00)).carved);
    f.free(h, p);
}

TEST_CASE("heap_walk: while threads run, what stays is seen exactly once", "[malloc][heap_walk]") {
    fixture f;
    heap_type& h = f.attach();
    std::set<void*> staying;
    for (std::size_t i = 0; i < 500; ++i) staying.insert(h.allocate(i * 5 + 1));
    std::atomic<bool> stop{false};
    std::thread busy([&] {
        heap_type& mine = f.attach();
        for (std::size_t i = 0; !stop && i < 100'000'000; ++i) f.free(mine, f.allocate(mine, i % 2500));
    });
    for (int round = 0; round < 20; ++round) {
        std::set<void*> seen;
        std::size_t twice = 0;
        CHECK(walk_blocks(*f.store, static_cast<heap_type*>(nullptr), [&](void* p, std::size_t, heap_type*) {
            if (!seen.insert(p).second && staying.count(p) != 0) ++twice;
            return true;
        }));
        CHECK(twice == 0);
        CHECK(std::includes(seen.begin(), seen.end(), staying.begin(), staying.end()));
    }
    stop = true;
    busy.join();
    for (void* p : staying) f.free(h, p);
}
