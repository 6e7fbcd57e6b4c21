// ashlar/malloc/private_heap.hpp - a heap of the malloc as an allocator: for any thread, its blocks ended at once.
//
// Layer:      malloc
// Picture:    { malloc::private_heap h; std_allocator<T>(h), resource, box<T>(h, ...) }   here everything of it has ended
// Complexity: as shared_heap.hpp: malloc and a lock.
// Failure:    refuses with alloc_error, and nothing has changed; a heap that could not be made refuses everything.
// Threads:    any; reset and the destructor: no block of the heap may be used meanwhile.
// Checked by: tests/malloc/private_heap_test.cpp, tests/malloc/program/heaps.cpp
//
// To be linked with libashlar-malloc. A block may also be ended by plain free, and be asked about by malloc_usable_size.
#pragma once

#include <cstddef>
#include <cstring>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/malloc/malloc.h"

namespace ashlar::malloc {

class private_heap {
public:
    static constexpr bool is_thread_safe = true;
    static constexpr bool deallocate_is_optional = true;

    private_heap() noexcept : heap_(ashlar_heap_new()) {}
    ~private_heap() { ashlar_heap_destroy(heap_); }
    private_heap(const private_heap&) = delete;
    private_heap& operator=(const private_heap&) = delete;

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (heap_ == nullptr) return alloc_error{};
        return granted(l.align() <= natural_align ? ashlar_heap_malloc(heap_, l.size())
                                                  : ashlar_heap_aligned(heap_, l.align(), l.size()), l);
    }
    result<block> allocate_zeroed(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (heap_ == nullptr) return alloc_error{};
        if (l.align() <= natural_align) return granted(ashlar_heap_calloc(heap_, 1, l.size()), l);
        const auto made = allocate(l);
        if (made) std::memset(made->data, 0, l.size());
        return made;
    }
    /// @post on refusal p is live and its bytes are as they were
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept {
        ASHLAR_PRE(now.size() != 0 && live_bytes <= old.size() && live_bytes <= now.size());
        if (now.align() <= natural_align) return granted(ashlar_heap_realloc(heap_, p, now.size()), now);
        const auto made = allocate(now);  // realloc would lose the alignment
        if (!made) return made;
        std::memcpy(made->data, p, live_bytes);
        deallocate(p, old);
        return made;
    }
    void deallocate(std::byte* p, layout) noexcept { ashlar_heap_free(heap_, p); }

    /// Ends every block.
    void reset() noexcept {
        if (heap_ != nullptr) ashlar_heap_reset(heap_);
    }
    bool owns(const std::byte* p) const noexcept { return heap_ != nullptr && ashlar_heap_owns(heap_, p) != 0; }
    /// For the C interface; null if it could not be made.
    ashlar_heap* get() noexcept { return heap_; }

private:
    static constexpr std::size_t natural_align = 16;

    static result<block> granted(void* p, layout l) noexcept {
        if (p == nullptr) return alloc_error{};
        return block{static_cast<std::byte*>(p), l.size()};
    }

    ashlar_heap* heap_;
};

static_assert(allocator<private_heap> && zeroing<private_heap> && reallocating<private_heap> && resettable<private_heap> &&
              owning<private_heap> && thread_safe<private_heap> && optional_deallocate<private_heap>);

}  // namespace ashlar::malloc
