// Long: what the heap promises, a case a promise; its types are used by many of them.
#include "ashlar/gc/collected_heap.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "ashlar/compose/failing.hpp"
#include "ashlar/compose/tracked.hpp"
#include "ashlar/gc/member.hpp"
#include "ashlar/gc/weak.hpp"
#include "ashlar/strategy/page.hpp"

using namespace ashlar;

namespace {

struct node {
    gc::member<node> left, right;
    std::size_t value = 0;
    void trace(auto& visit) const { visit(left, right); }
};

int destroyed = 0;
struct dying {
    gc::member<dying> next;
    std::string text = "long enough not to be kept inside the string itself";
    void trace(auto& visit) const { visit(next); }
    ~dying() { ++destroyed; }
};

/// Set where a destructor is to make objects in it, and to let the root go.
gc::heap* now = nullptr;
gc::root<node>* last = nullptr;

struct maker {
    gc::member<node> made;
    explicit maker(gc::heap& h) {
        for (int i = 0; i != 100; ++i) made = h.make<node>(made.get(), nullptr, 1u);
    }
    void trace(auto& visit) const { visit(made); }
};
struct thrower {
    gc::root<node> temporary;
    explicit thrower(gc::heap& h) : temporary(h.make<node>()) { throw std::runtime_error("no"); }
    ~thrower() { ++destroyed; }
    void trace(auto&) const {}
};
struct alignas(4096) wide {
    gc::member<node> one;
    char more[100];
    void trace(auto& visit) const { visit(one); }
};
struct vast {
    gc::member<vast> next;
    char more[100'000];
    void trace(auto& visit) const { visit(next); }
};
struct busy {
    gc::member<busy> other;
    char more[40];
    void trace(auto& visit) const { visit(other); }
    ~busy() {
        if (now == nullptr) return;
        for (int i = 0; i != 3000; ++i) now->make<node>(*last, nullptr, 1u);
        *last = nullptr;
    }
};

struct forgetful {
    gc::member<node> named, forgotten;
    void trace(auto& visit) const { visit(named); }
};

gc::root<node> list(gc::heap& h, std::size_t n) {
    gc::root<node> head;
    for (std::size_t i = 0; i != n; ++i) head = h.make<node>(head, nullptr, i);
    return head;
}

}  // namespace

TEST_CASE("collected_heap: what no root reaches is collected, cycles too, and its room is used again", "[gc][collected_heap]") {
    gc::heap h({.automatic = false});
    const auto kept = list(h, 1000);
    for (int round = 0; round != 20; ++round) {
        auto a = list(h, 2000);
        a->right = a;
        a = nullptr;
        h.collect();
        REQUIRE(h.verify());
        REQUIRE(h.stats().live == 1000 * 32);
    }
    CHECK(h.stats().peak_footprint < 2'200'000);
    std::size_t n = 0;
    for (const node* x = kept.get(); x != nullptr; x = x->left.get()) ++n;
    CHECK(n == 1000);
}

TEST_CASE("collected_heap: make collects by itself as the program goes on, and runs no destructor", "[gc][collected_heap]") {
    gc::heap h({.headroom = 1 << 20});
    destroyed = 0;
    for (int i = 0; i != 100'000; ++i) h.make<node>();
    CHECK(h.stats().collections > 0);
    CHECK(h.stats().footprint < 4'000'000);
    h.make<dying>();
    for (int i = 0; i != 100'000; ++i) h.make<node>();
    CHECK(destroyed == 0);
    CHECK(h.stats().waiting == 1);
    CHECK(h.safepoint() == 1);
    CHECK(destroyed == 1);
    CHECK(h.safepoint() == 0);
}

TEST_CASE("collected_heap: where a no_gc is, and while a constructor runs, nothing is collected", "[gc][collected_heap]") {
    gc::heap h({.zeal = {.collect = true, .poison = true}});
    const auto before = h.stats().collections;
    const auto m = h.make<maker>(h);
    CHECK(h.stats().collections == before + 1);
    h.collect();
    std::size_t n = 0;
    for (const node* x = m->made.get(); x != nullptr; x = x->left.get()) ++n;
    CHECK(n == 100);
    const gc::no_gc none(h);
    const auto then = h.stats().collections;
    h.make<node>();
    CHECK(h.stats().collections == then);
}

TEST_CASE("collected_heap: a constructor that throws leaves a heap that verifies, and the object is not destroyed", "[gc][collected_heap]") {
    gc::heap h;
    destroyed = 0;
    for (int i = 0; i != 10; ++i) CHECK_THROWS_AS(h.make<thrower>(h), std::runtime_error);
    CHECK(h.verify());
    h.collect();
    CHECK(h.stats().live == 0);
    CHECK(destroyed == 0);
}

TEST_CASE("collected_heap: at the hard limit make throws after a last collection, and goes on when there is room", "[gc][collected_heap]") {
    gc::heap h({.hard_limit = 8 << 20});
    auto all = list(h, 1);
    CHECK_THROWS_AS([&] {
        for (;;) all = h.make<node>(all, nullptr, 0u);
    }(), std::bad_alloc);
    CHECK(h.stats().footprint <= 8 << 20);
    CHECK(h.stats().live > 6 << 20);
    CHECK_FALSE(h.try_make_array<char>(4 << 20));
    CHECK(h.verify());
    all = nullptr;
    CHECK(h.try_make_array<char>(4 << 20));
    CHECK(h.try_make<node>());
    CHECK(h.stats().peak_footprint <= 8 << 20);
}

TEST_CASE("collected_heap: above the soft limit it collects before it grows", "[gc][collected_heap]") {
    gc::heap h({.soft_limit = 4 << 20, .headroom = 1 << 30});
    for (int i = 0; i != 1'000'000; ++i) h.make<node>();
    CHECK(h.stats().peak_footprint <= 5 << 20);
    for (int i = 0; i != 1000; ++i) h.make_array<char>(100'000);
    CHECK(h.stats().peak_footprint <= 6 << 20);
}

TEST_CASE("collected_heap: an upstream that refuses any one request harms nothing, and gets everything back", "[gc][collected_heap]") {
    for (std::size_t n = 1; n != 8; ++n) {
        page<> pages;
        tracked<page<>, live_bytes> counted(pages);
        failure_plan plan;
        plan.arm(n, failure::once);
        failing<tracked<page<>, live_bytes>> upstream(counted, plan);
        try {
            gc::heap h(any_ref(upstream), {.headroom = 1 << 20});
            gc::root<node> all;
            gc::root<gc::array<char>> big;
            for (std::size_t i = 0; i != 50'000; ++i) {
                if (auto next = h.try_make<node>(all, nullptr, i)) all = next;
                if (i % 20'000 == 0) big = h.try_make_array<char>(100'000);
            }
            h.collect();
            REQUIRE(h.verify());
            REQUIRE(h.stats().live >= 49'999 * 32);
        } catch (const std::bad_alloc&) {
            REQUIRE(n == 1);
        }
        REQUIRE(counted.counter<live_bytes>().value == 0);
    }
}

TEST_CASE("collected_heap: large objects, and objects aligned as a page is, live and die like others", "[gc][collected_heap]") {
    gc::heap h;
    auto w = h.make<wide>();
    CHECK(reinterpret_cast<std::uintptr_t>(w.get()) % 4096 == 0);
    w->one = h.make<node>(nullptr, nullptr, 7u);
    auto v = h.make<vast>();
    v->next = h.make<vast>();
    h.collect();
    CHECK(h.verify());
    CHECK(w->one->value == 7);
    const auto live = h.stats().live;
    CHECK(live > 200'000);
    v->next = nullptr;
    h.collect();
    CHECK(h.stats().live + 100'000 < live);
}

TEST_CASE("collected_heap: destroying it destroys every object once", "[gc][collected_heap]") {
    destroyed = 0;
    {
        gc::heap h;
        gc::root<dying> d;
        for (int i = 0; i != 100; ++i) {
            auto next = h.make<dying>();
            next->next = d;
            d = next;
        }
        d->next = nullptr;
        h.collect();
        CHECK(destroyed == 99);
    }
    CHECK(destroyed == 100);
}

TEST_CASE("collected_heap: a destructor may make objects and let the last root go", "[gc][collected_heap]") {
    gc::heap h({.zeal = {.poison = true}});
    auto r = h.make<node>();
    now = &h;
    last = &r;
    for (int i = 0; i != 50; ++i) h.make<busy>();
    h.collect();
    CHECK(h.verify());
    CHECK(!r);
    h.collect();
    CHECK(h.stats().live == 0);
    now = nullptr;
}

TEST_CASE("collected_heap: a step does a part, and steps together what a collection does", "[gc][collected_heap]") {
    gc::heap h({.automatic = false});
    const auto kept = list(h, 20'000);
    list(h, 20'000);
    h.make<dying>();
    std::size_t steps = 1;
    while (!h.step(std::chrono::nanoseconds(0))) ++steps;
    CHECK(steps > 20'000 / 32);
    CHECK(h.stats().live == 20'000 * 32);
    CHECK(h.stats().collections == 1);
    CHECK(h.stats().waiting == 0);
    std::size_t pauses = 0;
    for (const std::size_t n : h.stats().pauses) pauses += n;
    CHECK(pauses == steps);
    CHECK(h.verify());
}

TEST_CASE("collected_heap: what moves from one object to another between steps is not lost", "[gc][collected_heap]") {
    gc::heap h({.automatic = false, .zeal = {.poison = true}});
    auto first = h.make<node>(), long_list = list(h, 5000);
    first->left = long_list;
    node* deep = long_list.get();
    while (deep->left->left) deep = deep->left.get();
    const gc::weak<node> w(gc::root<node>(deep->left));
    long_list = nullptr;
    h.step(std::chrono::nanoseconds(0));
    first->right = deep->left;  // the only reference goes to an object that was looked at already
    deep->left = nullptr;
    while (!h.step(std::chrono::nanoseconds(0))) {}
    REQUIRE(h.verify());
    CHECK(first->right->value == 0);
    first->right = nullptr;
    CHECK(!w.expired());
    h.step(std::chrono::nanoseconds(0));
    auto again = w.lock();  // read while marking: it lives
    while (!h.step(std::chrono::nanoseconds(0))) {}
    CHECK(w.lock() == again);
    CHECK(h.verify());
}

TEST_CASE("collected_heap: verify tells of a reference that leads nowhere", "[gc][collected_heap]") {
    gc::heap h;
    auto a = h.make<node>();
    a->left.target = reinterpret_cast<std::byte*>(a.get()) + 16;
    const auto v = h.verify();
    CHECK(v.fault == std::string("no object begins at the target"));
    CHECK(v.object == a.get());
    CHECK(v.offset == 0);
    CHECK(std::string(v.type).find("node") != std::string::npos);
    a->left = nullptr;
    CHECK(h.verify());
}

TEST_CASE("collected_heap: verify tells of a member that trace forgot, and where it is", "[gc][collected_heap]") {
    gc::heap h({.zeal = {.poison = true}});
    const auto target = h.make<node>();
    const auto f = h.make<forgetful>();
    f->named = target;
    CHECK(h.verify());
    f->forgotten = target;
    const auto v = h.verify();
    CHECK(v.fault == std::string("a pointer to an object stands where the type names no reference"));
    CHECK(v.offset == 8);
    CHECK(std::string(v.type).find("forgetful") != std::string::npos);
}

TEST_CASE("collected_heap: verify tells of a reference into another heap", "[gc][collected_heap]") {
    gc::heap h, other;
    const auto a = h.make<node>(), b = other.make<node>();
    a->right = b;
    const auto v = h.verify();
    CHECK(v.fault == std::string("the target is not in this heap"));
    CHECK(v.offset == 8);
    CHECK(v.target == b.get());
    a->right = nullptr;
    CHECK(h.verify());
}

TEST_CASE("collected_heap: objects are counted by type, and a snapshot has them all with their references", "[gc][collected_heap]") {
    gc::heap h({.automatic = false});
    const auto a = list(h, 3);
    const auto big = h.make<vast>();
    h.make<dying>();
    CHECK(h.count<node>().objects == 3);
    CHECK(h.count<node>().bytes == 3 * 32);
    CHECK(h.count<dying>().objects == 1);
    h.collect();
    CHECK(h.count<dying>().objects == 0);
    CHECK(h.count<vast>().bytes > 100'000);
    std::string text;
    h.write_snapshot([](void* to, const char* part, std::size_t n) { static_cast<std::string*>(to)->append(part, n); }, &text);
    const auto id = [](const void* p) { return std::to_string(reinterpret_cast<std::uintptr_t>(p) / 16); };
    CHECK(text.find("{\"id\":" + id(a.get()) + ",\"type\":\"") != std::string::npos);
    CHECK(text.find("::node\",\"bytes\":32,\"to\":[" + id(a->left.get()) + "]}") != std::string::npos);
    CHECK(text.find("\"roots\":[") != std::string::npos);
    CHECK(text.find(id(big.get()), text.find("\"roots\":[")) != std::string::npos);
}

TEST_CASE("collected_heap: a listener is told what the heap does, and the survival of blocks is counted", "[gc][collected_heap]") {
    struct told {
        std::size_t number[7] = {}, bytes[7] = {};
    } all;
    {
        gc::heap h({.automatic = false, .listener = {[](void* to, gc::happening what, std::size_t bytes) noexcept {
                        ++static_cast<told*>(to)->number[static_cast<std::size_t>(what)];
                        static_cast<told*>(to)->bytes[static_cast<std::size_t>(what)] += bytes;
                    }, &all}});
        gc::root<node> kept;
        for (std::size_t i = 0; i != 100'000; ++i) {
            auto one = h.make<node>(kept, nullptr, i);
            if (i % 2 == 0) kept = one;
        }
        const auto count = [&](gc::happening what) { return all.number[static_cast<std::size_t>(what)]; };
        CHECK(count(gc::happening::marking) == 0);
        h.collect();
        CHECK(count(gc::happening::marked) == 1);
        CHECK(all.bytes[static_cast<std::size_t>(gc::happening::swept)] == h.stats().live);
        const gc::statistics between = h.stats();
        CHECK(between.survival[4] + between.survival[5] > 100);  // every second object of each block
        CHECK(between.survival[8] == 0);
        h.compact();
        CHECK(count(gc::happening::compacted) == 1);
        h.collect();
        CHECK(h.stats().survival[8] > 90);
        CHECK(all.bytes[0] - all.bytes[1] == h.stats().footprint);
        h.set_limits(0, 0);
        CHECK(!h.try_make_array<char>(100'000));
        CHECK(count(gc::happening::refused) > 0);
    }
    CHECK(all.bytes[0] == all.bytes[1]);
}
