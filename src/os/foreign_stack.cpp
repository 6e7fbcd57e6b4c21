// ashlar/src/os/foreign_stack.cpp - the table of registered stacks: places in chunks that are never given back.
//
// Layer:      os
// Complexity: as foreign_stack.hpp.
// Failure:    as foreign_stack.hpp.
// Threads:    any: a place is taken by a compare-and-swap, and read while others come and go.
// Checked by: tests/os/foreign_stack_test.cpp
#include "ashlar/os/foreign_stack.hpp"

#include <atomic>
#include <new>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/os/platform.hpp"

namespace ashlar::os {
namespace detail {
struct foreign_slot {
    std::atomic<std::uintptr_t> low{0};  ///< `vacant`, `taken` while it is written, or the stack's
    std::atomic<std::uintptr_t> high{0};
    std::atomic<std::size_t> guard{0};
    std::atomic<const char*> name{nullptr};
};
}  // namespace detail

namespace {

using detail::foreign_slot;
constexpr std::uintptr_t vacant = 0, taken = 1;

struct chunk {
    std::atomic<chunk*> next{nullptr};
    foreign_slot slots[127];
};
constinit chunk first;
constinit std::atomic<chunk*> with_room{&first};  // most likely

foreign_slot* take_from(chunk& c) noexcept {
    for (auto& slot : c.slots) {
        std::uintptr_t expected = vacant;
        if (slot.low.load(std::memory_order_relaxed) == vacant &&
            slot.low.compare_exchange_strong(expected, taken, std::memory_order_acquire)) {  // pairs with ~foreign_stack
            return &slot;
        }
    }
    return nullptr;
}

/// Appends a chunk behind `last`, or finds that another thread has. @returns null where there is no memory
chunk* append(chunk& last) noexcept {
    const std::size_t size = align_up(sizeof(chunk), page_size());
    const auto granted = reserve(size, page_size());
    if (!granted) return nullptr;
    if (!commit(granted->data, size)) {
        release(granted->data, size);
        return nullptr;
    }
    auto* const made = ::new (static_cast<void*>(granted->data)) chunk;
    chunk* expected = nullptr;
    if (last.next.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;  // publishes the chunk
    release(granted->data, size);
    return expected;
}

foreign_slot* take() noexcept {
    if (auto* const slot = take_from(*with_room.load(std::memory_order_acquire)); slot != nullptr) return slot;  // as append
    for (chunk* c = &first;;) {
        if (auto* const slot = take_from(*c); slot != nullptr) {
            with_room.store(c, std::memory_order_release);
            return slot;
        }
        chunk* next = c->next.load(std::memory_order_acquire);  // pairs with append
        if (next == nullptr) next = append(*c);
        if (next == nullptr) return nullptr;
        c = next;
    }
}

template <class Visit>
void for_each(Visit visit) noexcept {
    for (chunk* c = &first; c != nullptr; c = c->next.load(std::memory_order_acquire)) {  // pairs with append
        for (auto& slot : c->slots) {
            const std::uintptr_t low = slot.low.load(std::memory_order_acquire);  // pairs with foreign_stack: publishes the rest
            if (low == vacant || low == taken) continue;
            const stack_bounds stack{reinterpret_cast<std::byte*>(low),
                                     reinterpret_cast<std::byte*>(slot.high.load(std::memory_order_relaxed)),
                                     slot.guard.load(std::memory_order_relaxed), false};
            visit(foreign_stack_found{stack, slot.name.load(std::memory_order_relaxed)});
        }
    }
}

}  // namespace

foreign_stack::foreign_stack(const stack_bounds& stack, const char* name) noexcept : slot_(take()) {
    if (slot_ == nullptr) return;
    slot_->high.store(reinterpret_cast<std::uintptr_t>(stack.high), std::memory_order_relaxed);
    slot_->guard.store(stack.guard, std::memory_order_relaxed);
    slot_->name.store(name, std::memory_order_relaxed);
    slot_->low.store(reinterpret_cast<std::uintptr_t>(stack.low), std::memory_order_release);  // pairs with for_each
}

foreign_stack::~foreign_stack() {
    if (slot_ == nullptr) return;
    slot_->low.store(vacant, std::memory_order_release);                      // pairs with take_from
    detail::stacks_ended.fetch_add(1, memory_order_release);  // pairs with find_stack_left: no window is right any more
}

foreign_stack_found find_foreign_stack(const void* p) noexcept {
    foreign_stack_found found;
    for_each([&](const foreign_stack_found& f) {
        if (p >= f.stack.low - f.stack.guard && p < f.stack.high) found = f;
    });
    return found;
}

foreign_stack_found next_foreign_stack(const void* p) noexcept {
    foreign_stack_found found;
    for_each([&](const foreign_stack_found& f) {
        if (f.stack.high > p && (found.stack.empty() || f.stack.low < found.stack.low)) found = f;
    });
    return found;
}

}  // namespace ashlar::os
