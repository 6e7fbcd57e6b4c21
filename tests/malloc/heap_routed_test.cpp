#include "ashlar/malloc/heap_routed.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "ashlar/malloc/heap_walk.hpp"
#include "ashlar/malloc/routes.hpp"
#include "support.hpp"

using test_malloc::all_bytes;
using test_malloc::misuses;
using namespace ashlar::malloc;

namespace {

using store_type = span_store<test_malloc::pages_type, ashlar::std_atomics, 2>;
using heap_type = heap<store_type>;
constexpr std::size_t arena = 0, pool = 1;

struct fixture {
    fixture() {
        store = std::make_unique<store_type>(ashlar::ref<test_malloc::pages_type>(pages));
        store->set_handler(&test_malloc::note_misuse);
        store->set_keys(0x5eed'1234'5678'9abc, 0x5ea1);
        store->configure(test_malloc::still());
        store->set_route(arena, {route_kind::arena, 0});
        store->set_route(pool, {route_kind::pool, 4368});
        misuses.clear();
    }
    ~fixture() {
        pages.heal();
        store->destroy();
        CHECK(pages.balanced());
    }
    heap_type& attach() { return *registry.attach(*store); }
    std::byte* take(heap_type& h, std::size_t route, std::size_t size) {
        void* p = h.pop_routed(store->key(), route, size);
        if (p == nullptr) {
            const visit inside(registry.gate(), h.inside());
            p = h.allocate_routed(route, size);
        }
        return static_cast<std::byte*>(p);
    }
    void free(heap_type& h, void* p) {
        auto& s = *store->find(p);
        if (heap_type::push_local(s, store->key(), h.id(), p) || h.push_arena(s, store->key(), p)) return;
        const visit inside(registry.gate(), h.inside());
        heap_type::release(*store, registry, &h, p, "free");
    }
    std::size_t usable(void* p) { return heap_type::usable_size(*store, p, "malloc_usable_size"); }
    std::size_t spans() {
        std::size_t n = 0;
        store->for_each_span([&](auto&) { ++n; });
        return n;
    }

    test_malloc::pages_type pages;
    std::unique_ptr<store_type> store;
    heap_type::registry_type registry;
};

}  // namespace

TEST_CASE("heap_routed: blocks of an arena are aligned and disjoint, and end in any order", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    std::map<std::byte*, std::size_t> live;
    test_malloc::numbers next(5);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t size = next.below(i % 50 == 0 ? 8193 : 200);
        std::byte* const p = f.take(h, arena, size);
        REQUIRE(p != nullptr);
        const std::size_t usable = f.usable(p);
        if (!ashlar::is_aligned(p, 16) || usable < size || usable > size + 16) FAIL("a bad block");
        std::memset(p, i, usable);
        const auto after = live.lower_bound(p);
        if (after != live.end() && p + usable > after->first) FAIL("overlaps the next");
        if (after != live.begin() && std::prev(after)->first + std::prev(after)->second > p) FAIL("overlaps the one before");
        live.emplace(p, usable);
        while (live.size() > 2000 || (next.below(2) == 0 && !live.empty())) {
            auto victim = live.begin();
            std::advance(victim, static_cast<std::ptrdiff_t>(next.below(live.size() < 50 ? live.size() : 50)));
            if (!all_bytes(victim->first, victim->second, static_cast<unsigned char>(*victim->first))) FAIL("a block was written to");
            f.free(h, victim->first);
            live.erase(victim);
        }
    }
    for (const auto& [p, size] : live) f.free(h, p);
    CHECK(misuses.empty());
    h.settle();
    CHECK(f.spans() == 0);  // heap_routed.I2
}

TEST_CASE("heap_routed: an arena goes over the same chunk again when its blocks were freed", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    for (int i = 0; i < 10'000; ++i) {
        std::byte* const p = f.take(h, arena, 300);
        f.free(h, p);
    }
    CHECK(f.spans() == 1);
    std::byte* const kept = f.take(h, arena, 16);
    for (int i = 0; i < 1000; ++i) f.free(h, f.take(h, arena, 300));
    CHECK(f.spans() == 2);  // one block holds a chunk
    f.free(h, kept);
    CHECK(f.spans() == 1);
}

TEST_CASE("heap_routed: a pool has blocks of its exact size, and larger requests go elsewhere", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    std::byte* const p = f.take(h, pool, 4368);
    std::byte* const q = f.take(h, pool, 4000);
    CHECK(q - p == 4368);
    CHECK(f.usable(q) == 4368);
    CHECK(f.take(h, pool, 4369) == nullptr);
    CHECK(f.take(h, pool, 3275) == nullptr);  // below three quarters of it
    CHECK(f.take(h, arena, 8193) == nullptr);
    CHECK(heap_type::push_local(*f.store->find(q), f.store->key(), h.id(), q, 4000));  // a sized delete, on the fast path
    f.free(h, p);
    h.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_routed: realloc keeps what a block held, wherever it goes", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    for (const std::size_t route : {arena, pool}) {
        std::byte* p = f.take(h, route, 4000);
        std::memset(p, 7, 100);
        static_cast<void>(f.take(h, route, 4000));
        for (const std::size_t size : {3900u, 5000u, 100'000u, 50u}) {
            p = static_cast<std::byte*>(h.reallocate(p, size));
            REQUIRE(p != nullptr);
            CHECK(all_bytes(p, size < 50 ? size : 50, 7));
        }
        f.free(h, p);
    }
    CHECK(misuses.empty());
}

TEST_CASE("heap_routed: what must not be freed is reported, and nothing has changed", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    std::byte* const p = f.take(h, arena, 100);
    std::byte* const q = f.take(h, arena, 100);
    f.free(h, q + 16);
    f.free(h, q + 112);  // where the next block will begin
    f.free(h, p + 5000);
    f.free(h, p);
    f.free(h, p);
    REQUIRE(misuses.size() == 4);
    CHECK(misuses[0].kind == misuse_kind::interior);
    CHECK(misuses[0].block == q);
    CHECK(misuses[1].kind == misuse_kind::unused);
    CHECK(misuses[2].kind == misuse_kind::unused);
    CHECK(misuses[3].kind == misuse_kind::twice);
    f.free(h, q);
    CHECK(misuses.size() == 4);
    h.settle();
    CHECK(f.spans() == 0);
}

TEST_CASE("heap_routed: blocks freed by other threads come home, also when their thread has ended", "[malloc][heap_routed]") {
    fixture f;
    heap_type& maker = f.attach();
    heap_type& other = f.attach();
    for (const bool ended : {false, true}) {
        std::vector<std::byte*> blocks;
        for (int i = 0; i < 300; ++i) blocks.push_back(f.take(maker, i % 2 == 0 ? arena : pool, 4000));
        if (ended) f.registry.detach(maker);
        for (std::byte* p : blocks) f.free(other, p);
        other.settle();
        if (!ended) maker.settle();
        f.registry.tend_all();
        CHECK(f.spans() == 0);
    }
    CHECK(misuses.empty());
}

TEST_CASE("heap_routed: in the child of fork chunks of other threads stay out, and their blocks may be freed", "[malloc][heap_routed]") {
    fixture f;
    heap_type& lost = f.attach();
    heap_type& mine = f.attach();
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 2000; ++i) blocks.push_back(f.take(lost, arena, 60));
    f.registry.before_fork(*f.store, &mine);
    f.registry.after_fork_in_child(*f.store, &mine);
    for (std::byte* p : blocks) f.free(mine, p);
    mine.settle();
    f.registry.tend_all();
    heap_type& adopted = f.attach();  // what was the lost thread's
    CHECK(f.take(adopted, arena, 60) != nullptr);
    CHECK(misuses.empty());
}

TEST_CASE("heap_routed: whatever call of the system is refused, the request is refused or served", "[malloc][heap_routed]") {
    for (std::size_t refused = 1; refused < 12; ++refused) {
        fixture f;
        heap_type& h = f.attach();
        f.pages.fail(refused);
        std::vector<std::byte*> blocks;
        for (int i = 0; i < 600; ++i) {
            if (std::byte* p = f.take(h, i % 2 == 0 ? arena : pool, 4000)) blocks.push_back(p);
        }
        f.pages.heal();
        CHECK(blocks.size() > 300);
        for (std::byte* p : blocks) f.free(h, p);
        h.settle();
        CHECK(f.spans() == 0);
        CHECK(misuses.empty());
    }
}

TEST_CASE("heap_routed: statistics and the walk count routed blocks once", "[malloc][heap_routed]") {
    fixture f;
    heap_type& h = f.attach();
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(i % 2 == 0 ? f.take(h, arena, 160) : f.take(h, pool, 4360));
    f.free(h, blocks[0]);
    f.free(h, blocks[1]);
    statistics s;
    collect(*f.store, f.registry, &h, s);
    CHECK(s.routed.allocations == 100);
    CHECK(s.routed.live == 98);
    CHECK(s.live_blocks == 98);
    CHECK(s.routed_bytes == 49 * 160 + 49 * 4368);
    CHECK(s.live_bytes == s.routed_bytes);
    std::size_t seen = 0;
    walk_blocks(*f.store, static_cast<const heap_type*>(nullptr), [&](std::byte* p, std::size_t size, heap_type* owner) {
        if (owner == &h && size == (f.store->find(p)->kind == span_kind::arena ? 160u : 4368u)) ++seen;
        return true;
    });
    CHECK(seen == 98);
    CHECK(owner_of(*f.store, blocks[2] + 100).start == blocks[2]);
    CHECK(owner_of(*f.store, blocks[3] + 100).start == blocks[3]);
}

TEST_CASE("heap_routed: a size class beside the usual ones serves the sizes that it fits best, and no others", "[malloc][heap_routed]") {
    fixture f;
    f.store->add_class(arena, 528);
    f.store->add_class(pool, 4368);
    heap_type& h = f.attach();
    const auto take = [&](std::size_t size) {
        void* p = size <= small_class_limit ? h.pop(f.store->key(), f.store->classes(), size) : h.pop_cached(f.store->key(), f.store->classes(), size);
        const visit inside(f.registry.gate(), h.inside());
        return p != nullptr ? p : h.allocate(size);
    };
    std::vector<void*> live;
    for (int round = 0; round < 3; ++round) {
        for (const auto& [size, bytes] : {std::pair{512u, 512u}, {513u, 528u}, {528u, 528u}, {529u, 640u}, {4096u, 4096u}, {4097u, 4368u}, {4368u, 4368u},
                                          {4369u, 5120u}, {0u, 16u}, {1u, 16u}, {9000u, 10240u}}) {
            for (int i = 0; i < 40; ++i) {
                void* const p = take(size);
                REQUIRE(p != nullptr);
                std::memset(p, round, size);
                if (f.usable(p) != bytes) FAIL(size << " bytes have a block of " << f.usable(p));
                live.push_back(p);
            }
        }
        for (void* p : live) f.free(h, p);
        live.clear();
    }
    CHECK(misuses.empty());
    // Zeros, resizing, alignment and deletion by size go by the block as ever.
    auto* const zeros = static_cast<std::byte*>([&] {
        const visit inside(f.registry.gate(), h.inside());
        return h.allocate_zeroed(520);
    }());
    REQUIRE(zeros != nullptr);
    CHECK(std::all_of(zeros, zeros + 520, [](std::byte b) { return b == std::byte{0}; }));
    const visit inside(f.registry.gate(), h.inside());
    void* const aligned = h.allocate_aligned(520, 64);
    CHECK(ashlar::is_aligned(aligned, 64));
    void* const grown = h.reallocate(zeros, 600);
    CHECK(f.usable(grown) == 640);
    heap_type::release_sized(*f.store, f.registry, &h, h.allocate(520), {520, 0}, "operator delete");
    heap_type::release_sized(*f.store, f.registry, &h, aligned, {520, 64}, "operator delete");
    heap_type::release(*f.store, f.registry, &h, grown, "free");
    CHECK(misuses.empty());
    heap_type::release_sized(*f.store, f.registry, &h, h.allocate(520), {5200, 0}, "operator delete");
    CHECK(misuses.size() == 1);
}
