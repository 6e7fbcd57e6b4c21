#include "ashlar/malloc/span_store.hpp"
#include "support.hpp"

using namespace test_malloc;

TEST_CASE("span_store: a span is found by every address in it and by none beside it", "[malloc][span_store]") {
    fixture f;
    for (const std::size_t size : {16u, 8192u, 9000u, 65'536u}) {
        span_type* s = f.store->new_span(&f, first_heap_id, ashlar::class_of_size(size));
        REQUIRE(s != nullptr);
        const std::size_t bytes = s->slices * slice_size;
        for (std::size_t at = 0; at < bytes; at += 4093) {
            if (f.store->find(s->start + at) != s) FAIL("not found at " << at);  // span_store.I1
        }
        CHECK(s->capacity * s->block_size <= bytes);
        std::byte* const start = s->start;
        f.store->give_span(s);
        CHECK(f.store->find(start)->kind == span_kind::none);
    }
    CHECK(f.spans() == 0);  // span_store.I2
}

TEST_CASE("span_store: every small class has at least 8 blocks in its span", "[malloc][span_store]") {
    fixture f;
    for (std::size_t c = 0; c < ashlar::size_class_count; ++c) {
        span_type* s = f.store->new_span(&f, first_heap_id, c);
        CHECK(s->capacity >= 8);
        f.store->give_span(s);
    }
}
