// ashlar/src/malloc/heaps.cpp - the C interface to heaps that the program makes.
//
// Layer:      malloc
// Complexity: as shared_heap.hpp.
// Failure:    null and ENOMEM, or EINVAL for a bad alignment; a heap or block is then as it was.
// Threads:    as shared_heap.hpp.
// Checked by: tests/malloc/program/heaps.cpp
#include <cerrno>
#include <cstdint>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "printers.hpp"
#include "process.hpp"

namespace core = ashlar::malloc;

namespace {

constexpr auto largest = static_cast<std::size_t>(PTRDIFF_MAX);

core::process_shared_heap& heap_of(ashlar_heap* h) noexcept { return *reinterpret_cast<core::process_shared_heap*>(h); }

void* fail_with(int error) noexcept {
    errno = error;
    return nullptr;
}

/// What f gives, inside the gate; null and ENOMEM when it refuses, or the size is none.
template <class F>
void* ask(std::size_t size, F f) noexcept {
    if (size > largest) return fail_with(ENOMEM);
    void* p = nullptr;
    core::as_visitor([&] { p = f(); });
    return p != nullptr ? p : fail_with(ENOMEM);
}

}  // namespace

extern "C" {

ASHLAR_EXPORT ashlar_heap* ashlar_heap_new(void) {
    core::be_ready();
    return static_cast<ashlar_heap*>(ask(0, [] {
        return static_cast<void*>(core::the_shared_heaps.make(core::the_store, core::the_registry));
    }));
}
ASHLAR_EXPORT void ashlar_heap_destroy(ashlar_heap* h) {
    if (h == nullptr) return;
    core::as_visitor([h] { core::the_shared_heaps.end(heap_of(h)); });
}
ASHLAR_EXPORT void ashlar_heap_reset(ashlar_heap* h) {
    core::as_visitor([h] { heap_of(h).clear(); });
}
ASHLAR_EXPORT void* ashlar_heap_malloc(ashlar_heap* h, size_t size) {
    return ask(size, [&] { return heap_of(h).allocate(size); });
}
ASHLAR_EXPORT void* ashlar_heap_calloc(ashlar_heap* h, size_t count, size_t size) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return fail_with(ENOMEM);
    return ask(bytes, [&] { return heap_of(h).allocate_zeroed(bytes); });
}
ASHLAR_EXPORT void* ashlar_heap_aligned(ashlar_heap* h, size_t align, size_t size) {
    if (!ashlar::is_power_of_two(align)) return fail_with(EINVAL);
    if (align > largest) return fail_with(ENOMEM);
    return ask(size, [&] { return heap_of(h).allocate_aligned(size, align); });
}
ASHLAR_EXPORT void* ashlar_heap_realloc(ashlar_heap* h, void* p, size_t size) {
    return ask(size, [&] { return p == nullptr ? heap_of(h).allocate(size) : heap_of(h).reallocate(p, size); });
}
ASHLAR_EXPORT void ashlar_heap_free(ashlar_heap*, void* p) { core::free_slowly(p, "ashlar_heap_free"); }
ASHLAR_EXPORT int ashlar_heap_owns(const ashlar_heap* h, const void* p) {
    const auto* s = core::the_store.find_slowly(p);
    return s->kind != core::span_kind::none && heap_of(const_cast<ashlar_heap*>(h)).owns(*s) ? 1 : 0;
}
ASHLAR_EXPORT void ashlar_heap_stats(ashlar_heap* h, ashlar_heap_statistics* out) {
    core::statistics all;
    core::gather(all);
    const core::heap_counts of = core::figures_of(core::the_store, heap_of(h).as_heap());
    *out = {of.spans, of.span_bytes, of.live_blocks, of.live_bytes, of.free_bytes};
}

}  // extern "C"
