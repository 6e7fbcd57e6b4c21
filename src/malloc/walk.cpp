// ashlar/src/malloc/walk.cpp - the C interface to the walk over all blocks, and to whose an address is.
//
// Layer:      malloc
// Complexity: as heap_walk.hpp.
// Failure:    none.
// Threads:    as heap_walk.hpp.
// Checked by: tests/malloc/program/walked.cpp
#include "ashlar/malloc/heap_walk.hpp"

#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "process.hpp"

namespace core = ashlar::malloc;

namespace {

/// Heaps of threads have no name in the interface.
ashlar_heap* named(core::process_heap* owner) noexcept {
    if (owner == nullptr || owner->state() != core::heap_state::shared) return nullptr;
    return reinterpret_cast<ashlar_heap*>(core::process_shared_heap::of_heap(*owner));
}

}  // namespace

extern "C" {

ASHLAR_EXPORT int ashlar_heap_walk(ashlar_heap* heap, int (*visit)(void*, void*, size_t, ashlar_heap*), void* to) {
    const core::process_heap* const of =
        heap == nullptr ? nullptr : &reinterpret_cast<core::process_shared_heap*>(heap)->as_heap();
    return core::walk_blocks(core::the_store, of, [=](void* block, std::size_t size, core::process_heap* owner) {
        return visit(to, block, size, named(owner)) != 0;
    }) ? 1 : 0;
}

ASHLAR_EXPORT int ashlar_owner_of(const void* p, ashlar_block* out) {
    const auto place = core::owner_of(core::the_store, p);
    if (!place || !place.carved) return 0;
    *out = {place.start, place.size, named(place.owner), place.size > ashlar::size_class_max ? 1 : 0};
    return 1;
}

}  // extern "C"
