#include "ashlar/malloc/span_store_limits.hpp"
#include "support.hpp"

using namespace test_malloc;

namespace {
options with(setting options::*which, std::int64_t value) {
    options o = still();
    o.*which = value;
    return o;
}
bool called = false;
}  // namespace

TEST_CASE("span_store_limits: above the hard limit blocks of every size are refused, and nothing changes",
          "[malloc][span_store_limits]") {
    fixture f(with(&options::hard_limit_bytes, 6 << 20));
    heap_type& h = f.attach();
    for (const std::size_t size : {std::size_t{100}, std::size_t{20'000}, std::size_t{200'000}, std::size_t{5} << 20}) {
        std::vector<void*> blocks;
        while (void* p = h.allocate(size)) blocks.push_back(p);
        REQUIRE(!blocks.empty());
        CHECK(blocks.size() * size <= 6 << 20);
        CHECK(f.store->resident_bytes() <= 6 << 20);
        CHECK(h.reallocate(blocks[0], std::size_t{7} << 20) == nullptr);
        CHECK(f.usable(blocks[0]) >= size);
        for (void* p : blocks) f.free(h, p);
    }
}

TEST_CASE("span_store_limits: what is kept makes room before anything is refused", "[malloc][span_store_limits]") {
    fixture f(with(&options::hard_limit_bytes, 16 << 20));
    heap_type& h = f.attach();
    f.free(h, h.allocate(10 << 20));  // into the cache
    CHECK(f.store->large().cached() == 10 << 20);
    void* p = h.allocate(12 << 20);
    CHECK(p != nullptr);
    f.free(h, p);
}

TEST_CASE("span_store_limits: above the soft limit nothing is kept, and nothing is refused",
          "[malloc][span_store_limits]") {
    fixture f(with(&options::soft_limit_bytes, 4 << 20));
    heap_type& h = f.attach();
    std::vector<void*> blocks;
    for (int i = 0; i < 40; ++i) blocks.push_back(h.allocate(300'000));
    for (void* p : blocks) {
        REQUIRE(p != nullptr);
        f.free(h, p);
    }
    void* p = h.allocate(300'000);
    CHECK(f.store->resident_bytes() <= 4 << 20);
    f.free(h, p);
}

TEST_CASE("span_store_limits: the first growth is told once, and a ceiling lowers what the user left alone",
          "[malloc][span_store_limits]") {
    options o = still();
    o.large_cache_bytes = 50 << 20;  // set by the user
    fixture f(o);
    called = false;
    f.store->set_growth_handler([] { called = true; });
    heap_type& h = f.attach();
    f.free(h, h.allocate(20 << 20));
    CHECK_FALSE(called);
    void* p = h.allocate(40 << 20);
    CHECK(called);
    called = false;
    f.store->set_ceiling(std::size_t{128} << 20);
    CHECK(f.store->settings().retain_bytes == 8 << 20);
    CHECK(f.store->settings().large_cache_bytes == 50 << 20);
    CHECK(f.store->settings().soft_limit_bytes == 112 << 20);
    f.free(h, p);
    f.free(h, h.allocate(60 << 20));
    CHECK_FALSE(called);
}
