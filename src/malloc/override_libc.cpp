// ashlar/src/malloc/override_libc.cpp - the C library's names for malloc.
//
// Layer:      malloc
// Source:     ISO C23 7.24.4; POSIX.1-2024 malloc, posix_memalign, reallocarray; glibc malloc(3), memalign(3).
// Complexity: malloc and free inline the fast paths of heap.hpp.
// Failure:    null and ENOMEM; EINVAL for a bad alignment (posix_memalign returns it and leaves errno alone).
// Threads:    any.
// Checked by: tests/malloc/program/edge_rules.cpp, tests/malloc/program/fast_path.py
#include <malloc.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "ashlar/foundation/alignment.hpp"
#include "export.hpp"
#include "fast_path.hpp"
#include "obey/sites.hpp"

namespace {

namespace core = ashlar::malloc;

constexpr auto most = static_cast<std::size_t>(PTRDIFF_MAX);

/// The block, or null and ENOMEM.
void* or_enomem(void* p) noexcept {
    if (p == nullptr) [[unlikely]] errno = ENOMEM;
    return p;
}
void* refuse(int error) noexcept {
    errno = error;
    return nullptr;
}
void* aligned(std::size_t align, std::size_t size) noexcept {
    if (size > most || align > most) return refuse(ENOMEM);  // E1
    return or_enomem(core::allocate_aligned(size, align));
}
[[gnu::noinline]] void* malloc_slowly(std::size_t size) noexcept {
    if (size > most) return refuse(ENOMEM);  // E1
    return or_enomem(core::allocate_slowly(size));
}
/// Jumps on, as malloc does to it: neither keeps a frame.
[[gnu::noinline]] void* malloc_larger(std::size_t size) noexcept {
    if constexpr (core::obeys) core::note_slow_call(__builtin_return_address(0));
    if (void* p = core::pop_second(size)) return p;
    return malloc_slowly(size);
}

/// A block of the size classes becomes another. @returns null when the slow half is to be asked: then it is as it was
[[gnu::noinline]] void* moved(void* p, std::size_t bytes, std::size_t size) noexcept {
    void* const q = core::allocate(size);
    if (q == nullptr) return nullptr;
    std::memcpy(q, p, size < bytes ? size : bytes);
    core::free(p, "realloc");
    return q;
}

[[gnu::always_inline]] inline void* malloc_usually(std::size_t size) noexcept {
    if (size <= core::first_limit) [[likely]] {
        if (void* p = core::pop_first(size)) [[likely]] return p;
    }
    return malloc_larger(size);
}
[[gnu::always_inline]] inline void* calloc_usually(std::size_t bytes) noexcept {
    if (bytes - 1 < core::first_limit) [[likely]] {
        if (void* p = core::pop_zeroed(bytes)) [[likely]] return p;
    }
    return or_enomem(core::allocate_zeroed(bytes));
}
[[gnu::always_inline]] inline void* realloc_usually(void* p, std::size_t size) noexcept {
    if (const std::size_t bytes = core::process_heap::bytes_at(core::the_store, core::the_key, p)) [[likely]] {
        if (core::process_heap::near_enough(bytes, size)) return p;
        if (size <= ashlar::size_class_max) {
            if (void* q = moved(p, bytes, size)) [[likely]] return q;
        }
    }
    if (size > most) return refuse(ENOMEM);           // E1
    return or_enomem(core::reallocate(p, size));  // E5, E6
}

// Where a rule may be about the call (obey/sites.hpp). They are jumped to: what called malloc called these.
[[gnu::noinline]] void* malloc_at_site(std::size_t size) noexcept {
    if (void* p = core::allocate_by_rule(size, core::caller::of(__builtin_return_address(0), __builtin_frame_address(0)))) return p;
    return malloc_usually(size);
}
[[gnu::noinline]] void* calloc_at_site(std::size_t bytes) noexcept {
    void* const p = core::allocate_by_rule(bytes, core::caller::of(__builtin_return_address(0), __builtin_frame_address(0)));
    return p != nullptr ? std::memset(p, 0, bytes) : calloc_usually(bytes);
}
[[gnu::noinline]] void* realloc_at_site(void* p, std::size_t size) noexcept {
    const auto from = core::caller::of(__builtin_return_address(0), __builtin_frame_address(0));
    const std::size_t bytes = p == nullptr ? 0 : core::process_heap::bytes_at(core::the_store, core::the_key, p);
    if (bytes != 0 && core::process_heap::near_enough(bytes, size)) return p;
    void* const q = core::allocate_by_rule(size, from);
    if (p == nullptr) return q != nullptr ? q : malloc_usually(size);
    if (q == nullptr) return realloc_usually(p, size);
    const std::size_t old = core::usable_size(p, "realloc");
    std::memcpy(q, p, size < old ? size : old);
    core::free(p, "realloc");
    return q;
}

}  // namespace

extern "C" {

ASHLAR_EXPORT void* malloc(std::size_t size) noexcept {
    if constexpr (core::obeys) {
        if (core::may_be_ruled(__builtin_return_address(0))) [[unlikely]] return malloc_at_site(size);
    }
    return malloc_usually(size);
}

ASHLAR_EXPORT void free(void* p) noexcept { core::free(p, "free"); }  // E7, E8

ASHLAR_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > most) return refuse(ENOMEM);  // E1, E2
    if constexpr (core::obeys) {
        if (core::may_be_ruled(__builtin_return_address(0))) [[unlikely]] return calloc_at_site(bytes);
    }
    return calloc_usually(bytes);
}

ASHLAR_EXPORT void* realloc(void* p, std::size_t size) noexcept {
    if constexpr (core::obeys) {
        if (core::may_be_ruled(__builtin_return_address(0))) [[unlikely]] return realloc_at_site(p, size);
    }
    return p == nullptr ? malloc_usually(size) : realloc_usually(p, size);
}

ASHLAR_EXPORT void* reallocarray(void* p, std::size_t count, std::size_t size) noexcept {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return refuse(ENOMEM);  // E2
    return realloc(p, bytes);
}

ASHLAR_EXPORT int posix_memalign(void** out, std::size_t align, std::size_t size) noexcept {
    if (align % sizeof(void*) != 0 || !ashlar::is_power_of_two(align)) return EINVAL;  // E3
    if (size > most || align > most) return ENOMEM;
    const int saved = errno;  // E4
    void* p = core::allocate_aligned(size, align);
    errno = saved;
    if (p == nullptr) return ENOMEM;
    *out = p;
    return 0;
}

ASHLAR_EXPORT void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
    return ashlar::is_power_of_two(align) ? aligned(align, size) : refuse(EINVAL);  // E3
}
ASHLAR_EXPORT void* memalign(std::size_t align, std::size_t size) noexcept {
    return ashlar::is_power_of_two(align) ? aligned(align, size) : refuse(EINVAL);  // E3
}
ASHLAR_EXPORT void* valloc(std::size_t size) noexcept { return aligned(ashlar::os::page_size(), size); }
ASHLAR_EXPORT void* pvalloc(std::size_t size) noexcept {
    const std::size_t page = ashlar::os::page_size();
    if (size > most - page) return refuse(ENOMEM);
    return aligned(page, size == 0 ? page : ashlar::align_up(size, page));
}

ASHLAR_EXPORT std::size_t malloc_usable_size(void* p) noexcept {
    if constexpr (core::sealed) {
        const std::size_t bytes = core::own_fast->sealed_size(core::the_key, *core::the_store.find(p), p);
        if (bytes != core::seal::broken) [[likely]] return bytes;
    } else if (const std::size_t bytes = core::process_heap::bytes_at(core::the_store, core::the_key, p)) {
        return bytes;
    }
    return p == nullptr ? 0 : core::usable_size(p, "malloc_usable_size");
}
ASHLAR_EXPORT int malloc_trim(std::size_t) noexcept { return core::trim() ? 1 : 0; }

ASHLAR_EXPORT void free_sized(void* p, std::size_t size) noexcept {
    core::free(p, {size, 0}, "free_sized");
}
ASHLAR_EXPORT void free_aligned_sized(void* p, std::size_t align, std::size_t size) noexcept {
    core::free(p, {size, align}, "free_aligned_sized");
}

}  // extern "C"
