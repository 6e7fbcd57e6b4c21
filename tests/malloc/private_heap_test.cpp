// The C functions of heaps are defined here, over a malloc beside the process's own, so that sanitizers see them too.
#include "ashlar/malloc/private_heap.hpp"
#include "ashlar/malloc/shared_heap.hpp"
#include "support.hpp"
#include "support/enrol.hpp"

using namespace test_malloc;

namespace {

struct beside {
    fixture f;
    shared_heaps<store_type> family;
};
beside& the_malloc() {
    static beside& one = *new beside;  // it stays: its end would be after the last test
    return one;
}
shared_heap<store_type>& of(const ashlar_heap* h) {
    return *reinterpret_cast<shared_heap<store_type>*>(const_cast<ashlar_heap*>(h));
}
bool refuse_heaps = false;

}  // namespace

extern "C" {
ashlar_heap* ashlar_heap_new(void) {
    beside& m = the_malloc();
    return refuse_heaps ? nullptr : reinterpret_cast<ashlar_heap*>(m.family.make(*m.f.store, m.f.registry));
}
void ashlar_heap_destroy(ashlar_heap* h) {
    if (h != nullptr) the_malloc().family.end(of(h));
}
void ashlar_heap_reset(ashlar_heap* h) { of(h).clear(); }
void* ashlar_heap_malloc(ashlar_heap* h, size_t size) { return of(h).allocate(size); }
void* ashlar_heap_calloc(ashlar_heap* h, size_t count, size_t size) { return of(h).allocate_zeroed(count * size); }
void* ashlar_heap_aligned(ashlar_heap* h, size_t align, size_t size) { return of(h).allocate_aligned(size, align); }
void* ashlar_heap_realloc(ashlar_heap* h, void* p, size_t size) { return of(h).reallocate(p, size); }
void ashlar_heap_free(ashlar_heap*, void* p) {
    beside& m = the_malloc();
    heap_type nobody;
    heap_type::release(*m.f.store, m.f.registry, &nobody, p, "free");
}
int ashlar_heap_owns(const ashlar_heap* h, const void* p) {
    const auto* s = the_malloc().f.store->find_slowly(p);
    return s->kind != span_kind::none && of(h).owns(*s);
}
}

using ashlar::layout;
using ashlar::malloc::private_heap;

ASHLAR_ENROL("private_heap", [](ashlar::testing::ground&) { return private_heap(); });

TEST_CASE("private_heap: one that could not be made refuses everything and owns nothing", "[malloc][private_heap]") {
    refuse_heaps = true;
    private_heap h;
    refuse_heaps = false;
    CHECK(h.get() == nullptr);
    CHECK_FALSE(h.allocate(*layout::make(10, 1)));
    CHECK_FALSE(h.allocate_zeroed(*layout::make(10, 1)));
    std::byte b{};
    CHECK_FALSE(h.owns(&b));
    h.reset();
}

TEST_CASE("private_heap: two heaps do not own each other's blocks, and an end ends its own alone",
          "[malloc][private_heap]") {
    private_heap kept;
    const auto mine = kept.allocate(*layout::make(100, 16));
    {
        private_heap h;
        for (std::size_t align = 1; align <= 1 << 16; align *= 4) {
            const auto b = h.allocate(*layout::make(300, align));
            REQUIRE(b);
            CHECK(ashlar::is_aligned(b->data, align));
            CHECK(h.owns(b->data));
            CHECK_FALSE(kept.owns(b->data));
        }
        CHECK_FALSE(h.owns(mine->data));
    }
    CHECK(kept.owns(mine->data));
    std::memset(mine->data, 1, 100);
    kept.reset();
    CHECK(the_malloc().f.spans() == 0);
}
