#include "ashlar/malloc/class_watch.hpp"

#include <cstring>

#include "ashlar/malloc/statistics.hpp"
#include "support.hpp"

using namespace test_malloc;
using ashlar::class_of_size;
using ashlar::size_of_class;

namespace {

/// What is proposed after memory was cut `times` times for sizes that next() gives; 0: nothing.
template <class Next>
std::size_t proposed(std::size_t c, int times, Next next) {
    class_watch watch;
    for (int i = 0; i < times; ++i) {
        if (const std::size_t bytes = watch.note(c, static_cast<std::size_t>(next(i)))) return bytes;
    }
    return 0;
}

}  // namespace

TEST_CASE("class_watch: one size that fills a class is worth its own, in every class and at every place", "[malloc][class_watch]") {
    for (std::size_t size = 129; size <= class_table::largest; size += 7) {
        const std::size_t c = class_of_size(size);
        REQUIRE(class_watch::covers(c));
        const std::size_t bytes = proposed(c, 1000, [&](int) { return size; });
        const std::size_t high = size_of_class(c);
        if (bytes == 0) {
            if (size + high / 16 + (high - size_of_class(c - 1)) / 8 + 16 < high) FAIL("nothing for " << size);
            continue;
        }
        // class_watch.I1
        if (bytes < size || bytes > high || bytes % 16 != 0 || (high - bytes) * 16 < high) FAIL(bytes << " for " << size);
    }
    CHECK_FALSE(class_watch::covers(class_of_size(std::size_t{128})));
    CHECK_FALSE(class_watch::covers(class_of_size(class_table::largest + 1)));
}

TEST_CASE("class_watch: nothing is proposed early, nor where sizes are many", "[malloc][class_watch]") {
    const std::size_t c = class_of_size(std::size_t{400});
    CHECK(proposed(c, class_watch::enough - 1, [](int) { return 392; }) == 0);
    CHECK(proposed(c, class_watch::enough, [](int) { return 392; }) == 400);
    CHECK(proposed(c, 10'000, [](int i) { return 385 + i % 64; }) == 0);
    CHECK(proposed(c, 10'000, [](int i) { return i % 2 == 0 ? 392 : 448; }) == 0);   // half of it saves a twentieth
    CHECK(proposed(c, 10'000, [](int i) { return i % 4 != 0 ? 392 : 448; }) == 400);
    CHECK(proposed(c, 10'000, [](int i) { return i < 1000 ? 448 : 392; }) == 400);  // what was long ago counts less
}

TEST_CASE("class_watch: a heap takes up the class, and what it held before stays as it is", "[malloc][class_watch]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    const auto allocate_all = [&](int n) {
        for (int i = 0; i < n; ++i) {
            void* const p = i % 3 == 0 ? h.allocate_zeroed(392) : h.allocate(392);
            if (i % 3 == 0 && !all_bytes(p, 392, 0)) FAIL("a zeroed block is not zero");
            blocks.push_back(std::memset(p, 0xa5, 392));
        }
    };
    allocate_all(10'000);
    CHECK(f.usable(blocks.front()) == 448);
    CHECK(f.usable(blocks.back()) == 400);
    void* const larger = h.allocate(401);
    CHECK(f.usable(larger) == 448);
    f.free(h, larger);
    // What one heap has found serves all.
    heap_type& other = f.attach();
    for (int i = 0; i < 10'000; ++i) blocks.push_back(other.allocate(392));
    CHECK(f.usable(blocks[10'000]) == 400);
    CHECK(f.store->find(blocks.back())->size_class == f.store->find(blocks[9'999])->size_class);
    statistics s;
    collect(*f.store, f.registry, &h, s);
    CHECK(s.class_bytes[ashlar::size_class_count] == 400);
    CHECK(s.class_bytes[ashlar::size_class_count + 1] == 0);
    CHECK(s.classes[ashlar::size_class_count].live > 5'000);
    CHECK(s.live_blocks >= 20'000);
    for (std::size_t i = 0; i < blocks.size(); ++i) {  // whoever granted it, with its size and without
        if (i % 2 == 0) f.free(h, blocks[i]);
        else heap_type::release_sized(*f.store, f.registry, &h, blocks[i], {392, i % 4 == 1 ? 0u : 16u}, "free_sized");
    }
    CHECK(misuses.empty());
    void* const p = h.allocate(392);
    heap_type::release_sized(*f.store, f.registry, &h, p, {300, 0}, "free_sized");
    h.read_mail();
    heap_type::release(*f.store, f.registry, &h, h.allocate(392), "free");
    misuses.clear();
    void* const twice = h.allocate(392);
    f.free(h, twice);
    f.free(h, twice);
    CHECK(misuses.size() == 1);
}

TEST_CASE("class_watch: there are eight such classes at most, and none when the user says so", "[malloc][class_watch]") {
    for (const bool adapts : {true, false}) {
        options chosen = still();
        chosen.adapt_classes = adapts ? 1 : 0;
        fixture f(chosen);
        heap_type& h = f.attach();
        std::vector<void*> blocks;
        std::size_t added = 0;
        for (std::size_t c = class_of_size(std::size_t{200}); c < class_of_size(std::size_t{2000}); ++c) {
            const std::size_t size = size_of_class(c - 1) + 1;
            for (std::size_t bytes = 0; bytes < 1'500'000; bytes += size) blocks.push_back(h.allocate(size));
            added += f.usable(blocks.back()) < size_of_class(c);
        }
        CHECK(added == (adapts ? store_type::added_classes : 0));
        for (void* p : blocks) f.free(h, p);
    }
}
