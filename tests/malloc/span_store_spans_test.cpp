#include "ashlar/malloc/span_store_spans.hpp"
#include "support.hpp"

#include <chrono>
#include <thread>

using namespace test_malloc;

namespace {
void dirty(store_type& store, std::size_t size) {
    span_type* s = store.take_large(size, 1);
    std::memset(s->start, 1, size);
    store.give_large(s);
}
}  // namespace

TEST_CASE("span_store_spans: freed memory goes back at once when the delay is 0", "[malloc][span_store_spans]") {
    options o = still();
    o.purge_delay_ms = 0;
    fixture f(o);
    dirty(*f.store, 1 << 20);
    CHECK(f.store->slices().dirty() == 0);
    CHECK(f.store->purged_bytes() == 1 << 20);
}

TEST_CASE("span_store_spans: no more than the limit is kept, whatever the delay", "[malloc][span_store_spans]") {
    options o = still();
    o.retain_bytes = 2 << 20;
    fixture f(o);
    std::vector<span_type*> spans;
    for (int i = 0; i < 8; ++i) spans.push_back(f.store->take_large(1 << 20, 1));
    for (span_type* s : spans) f.store->give_large(s);
    CHECK(f.store->slices().dirty() <= std::size_t{2} << 20);
}

TEST_CASE("span_store_spans: freed memory goes back after the delay", "[malloc][span_store_spans]") {
    options o = still();
    o.purge_delay_ms = 20;
    fixture f(o);
    f.store->tick();
    dirty(*f.store, 1 << 20);
    for (int i = 0; i < 200 && f.store->slices().dirty() != 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        f.store->tick();
    }
    CHECK(f.store->slices().dirty() == 0);
}

TEST_CASE("span_store_spans: trim gives everything back, and a refused purge loses nothing", "[malloc][span_store_spans]") {
    fixture f;
    dirty(*f.store, 1 << 20);
    dirty(*f.store, 10 << 20);
    f.pages.fail(page_call::purge, 1, lasting::onwards);
    static_cast<void>(f.store->trim());
    CHECK(f.store->slices().dirty() == 1 << 20);
    f.pages.heal();
    CHECK(f.store->trim() == 1 << 20);
    CHECK(f.store->slices().dirty() == 0);
    CHECK(f.store->large().cached() == 0);
    span_type* s = f.store->take_large(1 << 20, 1);
    CHECK(s->reads_as_zero(0));
    CHECK(all_bytes(s->start, 1 << 20, 0));
    f.store->give_large(s);
}

TEST_CASE("span_store_spans: the first span of a class keeps little of what its slices held; the next ones all of it",
          "[malloc][span_store_spans]") {
    options o;
    o.purge_delay_ms = 3'600'000;
    fixture f(o);
    heap_type& h = f.attach();
    for (const std::size_t size : {64u, 5000u, 20'000u}) {
        const std::size_t slices = size <= store_type::largest_small ? 1 : store_type::medium_slices;
        const std::size_t kept = slices == 1 ? store_type::tail_kept : slice_size;
        static_cast<void>(f.store->trim());
        dirty(*f.store, 4 * slices * slice_size);
        const std::uint64_t purged = f.store->purged_bytes();
        auto* const first = static_cast<std::byte*>(h.allocate(size));
        const span_type& s = *f.store->find(first);
        CHECK(s.touched == kept);
        CHECK(f.store->purged_bytes() - purged == slices * slice_size - kept);
        CHECK(all_bytes(s.start + kept, slices * slice_size - kept, 0));
        while (f.store->find(h.allocate(size)) == &s) continue;  // now the heap fills spans of this class
        const span_type* second = nullptr;
        f.store->for_each_span([&](const span_type& each) { second = &each != &s && each.block_size == s.block_size ? &each : second; });
        REQUIRE(second != nullptr);
        CHECK(second->touched == slices * slice_size);
    }
}

TEST_CASE("span_store_spans: a refused purge leaves the first span of a class what its slices held",
          "[malloc][span_store_spans]") {
    options o;
    o.purge_delay_ms = 3'600'000;
    fixture f(o);
    heap_type& h = f.attach();
    dirty(*f.store, slice_size * 2);
    f.pages.fail(page_call::purge, 1, lasting::onwards);
    auto* const p = static_cast<std::byte*>(h.allocate_zeroed(200));
    CHECK(all_bytes(p, 200, 0));
    CHECK(f.store->find(p)->touched == slice_size);
    f.pages.heal();
}

TEST_CASE("span_store_spans: of a span's memory only what was carved counts, and what lies behind it reads as zero",
          "[malloc][span_store_spans]") {
    fixture f;
    span_type* s = f.store->new_span(nullptr, first_heap_id, 3);
    s->set_carved(1);
    f.store->note_carved(*s, 0, s->block_size);
    std::memset(s->start, 1, s->block_size);
    f.store->give_span(s);
    CHECK(f.store->slices().dirty() == grain_size);
    s = f.store->new_span(nullptr, first_heap_id, 7);
    CHECK_FALSE(s->reads_as_zero(0));
    CHECK(s->reads_as_zero(grain_size));
    CHECK(all_bytes(s->start + grain_size, slice_size - grain_size, 0));
    f.store->give_span(s);
    CHECK(f.store->slices().dirty() == grain_size);
}
