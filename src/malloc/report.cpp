// ashlar/src/malloc/report.cpp - the default answer to misuse: one line on standard error, then abort.
//
// Layer:      malloc
// Complexity: once.
// Failure:    does not return.
// Threads:    any.
// Checked by: tests/malloc/program/
#include <stdlib.h>

#include <atomic>

#include "ashlar/malloc/malloc.h"
#include "export.hpp"
#include "guard.hpp"
#include "line.hpp"
#include "process.hpp"

namespace ashlar::malloc {
namespace {

/// An address near the caller's own frames. Only a hint for the message.
bool looks_like_stack(const void* p) noexcept {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto there = reinterpret_cast<std::uintptr_t>(p);
    return there + 4096 > here && there - here < std::uintptr_t{1} << 20;
}

}  // namespace

void report_and_abort(const misuse& what) noexcept {
    line text("ashlar: ", what.call, "(", what.pointer, "): ");
    switch (what.kind) {
        case misuse_kind::foreign:
            text.add(looks_like_stack(what.pointer)
                         ? "not a block of this malloc; it lies on the stack"
                         : "not a block of this malloc; another allocator's, a constant, or freed before");
            break;
        case misuse_kind::interior:
            text.add("not the start of a block; it lies inside a block of ").add(what.size).add(" bytes at ").add(what.block);
            break;
        case misuse_kind::unused: text.add("no block was granted there yet"); break;
        case misuse_kind::twice: text.add("a block of ").add(what.size).add(" bytes that is free already"); break;
        case misuse_kind::corrupted:
            text = line("ashlar: ", what.call, ": a free block of ", std::uint64_t{what.size}, " bytes at ", what.block,
                        " was written to after it was freed");
            break;
        case misuse_kind::wrong_size:
            text.add("a block of ").add(what.size).add(" bytes is freed with the size ").add(what.said);
            break;
        case misuse_kind::overrun:
            text.add("something was written beside a block of ").add(what.size).add(" bytes, behind its end or before its start");
            break;
    }
    text.print();
    tell_calls(what.block);
    abort();
}

}  // namespace ashlar::malloc

namespace {

constinit std::atomic<ashlar_misuse_handler> handler_of_program{nullptr};

void hand_on(const ashlar::malloc::misuse& what) noexcept {
    // acquire: pairs with the release in ashlar_malloc_on_misuse
    if (const auto handler = handler_of_program.load(std::memory_order_acquire)) {
        return handler(static_cast<ashlar_misuse_kind>(what.kind), what.call, what.pointer, what.block, what.size);
    }
    ashlar::malloc::report_and_abort(what);
}

}  // namespace

extern "C" ASHLAR_EXPORT void ashlar_malloc_on_misuse(ashlar_misuse_handler handler) {
    handler_of_program.store(handler, std::memory_order_release);
    ashlar::malloc::the_store.set_handler(&hand_on);
}
