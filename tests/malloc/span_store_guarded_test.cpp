#include "ashlar/malloc/span_store_guarded.hpp"

#include "ashlar/malloc/heap_walk.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
options guarding(std::int64_t slots = 16, std::int64_t samples = guard_all) {
    options o = still();
    o.guard_samples = samples;
    o.guard_slots = slots;
    return o;
}
unsigned notes = 0;
void note(call_note& to) noexcept { to.size = ++notes; }
unsigned firsts = 0;
void first() noexcept { ++firsts; }
constexpr guard_watcher watcher{&note, &first};

bool is_guarded(fixture& f, void* p) { return f.store->find(p)->kind == span_kind::guarded; }
}  // namespace

TEST_CASE("span_store_guarded: a guarded block has exactly its size, is zero, and everything knows it",
          "[malloc][span_store_guarded]") {
    fixture f(guarding());
    heap_type& h = f.attach();
    auto* p = static_cast<std::byte*>(h.allocate(100));
    REQUIRE(is_guarded(f, p));
    CHECK(f.usable(p) == 100);
    CHECK(all_bytes(p, 100, 0));
    CHECK(is_guarded(f, h.allocate_zeroed(33)));
    void* aligned = h.allocate_aligned(100, 1024);
    CHECK(is_guarded(f, aligned));
    CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 1024 == 0);
    CHECK(f.usable(h.allocate(0)) == 1);
    const auto place = owner_of(*f.store, p + 99);
    CHECK((place.start == p && place.size == 100 && place.carved));
    CHECK_FALSE(owner_of(*f.store, p + 100));
    std::size_t seen = 0;
    walk_blocks(*f.store, static_cast<const heap_type*>(nullptr), [&](void* at, std::size_t size, heap_type*) {
        seen += at == p && size == 100 ? 1 : 0;
        return true;
    });
    CHECK(seen == 1);
    CHECK_FALSE(is_guarded(f, h.allocate(60'000)));
    CHECK_FALSE(is_guarded(f, h.allocate_aligned(100, 8192)));
    f.free(h, p);
    CHECK(misuses.empty());
    CHECK_FALSE(owner_of(*f.store, p));
}

TEST_CASE("span_store_guarded: realloc keeps the contents, and a sized delete is compared with the very size",
          "[malloc][span_store_guarded]") {
    fixture f(guarding());
    heap_type& h = f.attach();
    auto* p = static_cast<std::byte*>(h.allocate(100));
    for (int i = 0; i < 100; ++i) p[i] = static_cast<std::byte>(i);
    auto* const q = static_cast<std::byte*>(h.reallocate(p, 300));
    REQUIRE(q != nullptr);
    CHECK(q != p);
    for (int i = 0; i < 100; ++i) {
        if (q[i] != static_cast<std::byte>(i)) FAIL("lost at " << i);
    }
    heap_type::release_sized(*f.store, f.registry, &h, q, {300, 1}, "operator delete");
    CHECK(misuses.empty());
    void* const r = h.allocate(100);
    heap_type::release_sized(*f.store, f.registry, &h, r, {30, 1}, "operator delete");
    REQUIRE(misuses.size() == 1);
    CHECK(misuses.front().kind == misuse_kind::wrong_size);
    heap_type::release_sized(*f.store, f.registry, &h, r, {100, 1}, "operator delete");
    CHECK(misuses.size() == 1);
}

TEST_CASE("span_store_guarded: second frees, other places and writes beside a block are reported, by any thread's heap",
          "[malloc][span_store_guarded]") {
    fixture f(guarding());
    heap_type& h = f.attach();
    heap_type& other = f.attach();
    f.store->set_guard_watcher(&watcher);
    notes = firsts = 0;
    auto* p = static_cast<std::byte*>(h.allocate(100));
    const guard_slot* const slot = f.store->guards().slot_of(static_cast<const void*>(p));
    CHECK((firsts == 1 && slot->granted.size == 1));
    f.free(h, p + 16);
    REQUIRE(misuses.size() == 1);
    CHECK(misuses.back().kind == misuse_kind::interior);
    f.free(other, p);
    CHECK(misuses.size() == 1);
    CHECK((slot->freed.size == 2 && slot->state == guard_state::freed));
    f.free(h, p);  // span_store_guarded.I1
    REQUIRE(misuses.size() == 2);
    CHECK((misuses.back().kind == misuse_kind::twice && misuses.back().size == 100));
    CHECK(h.reallocate(p, 10) == nullptr);
    CHECK(misuses.size() == 3);
    auto* q = static_cast<std::byte*>(h.allocate(100));
    (q == f.store->guards().slot_of(static_cast<const void*>(q))->pages ? q[100] : q[-1]) = std::byte{0};
    f.free(h, q);
    REQUIRE(misuses.size() == 4);
    CHECK((misuses.back().kind == misuse_kind::overrun && misuses.back().block == q));
    f.free(h, q);
    CHECK(misuses.back().kind == misuse_kind::twice);
}

TEST_CASE("span_store_guarded: when the slots are used up blocks are ordinary; refused calls of the system lose nothing",
          "[malloc][span_store_guarded]") {
    fixture f(guarding(4));
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 4; ++i) CHECK(is_guarded(f, blocks.emplace_back(h.allocate(50))));
    CHECK_FALSE(is_guarded(f, blocks.emplace_back(h.allocate(50))));
    for (void* p : blocks) f.free(h, p);
    for (std::size_t n = 1; n < 12; ++n) {
        f.pages.fail(n);
        void* const p = h.allocate(200);
        f.pages.heal();
        REQUIRE(p != nullptr);
        std::memset(p, 1, 200);
        f.pages.fail(n);
        f.free(h, p);
        f.pages.heal();
    }
    CHECK(misuses.empty());
    fixture none(guarding(4));
    none.pages.fail(ashlar::os::page_call::reserve, 4);  // after those that any heap makes
    heap_type& g = none.attach();
    for (int i = 0; i < 20; ++i) REQUIRE(g.allocate(16) != nullptr);
}

TEST_CASE("span_store_guarded: by default few are made, and none while little memory is in use",
          "[malloc][span_store_guarded]") {
    fixture f(guarding(0, 20));
    heap_type& h = f.attach();
    std::size_t guarded = 0;
    for (int i = 0; i < 20'000; ++i) {
        void* const p = h.allocate(64);
        if (is_guarded(f, p)) ++guarded;
        f.free(h, p);
    }
    CHECK(guarded == 0);
    fixture off(guarding(8, 0));
    heap_type& g = off.attach();
    for (int i = 0; i < 1000; ++i) {
        if (is_guarded(off, g.allocate(64))) FAIL("guarded though it is off");
    }
}
