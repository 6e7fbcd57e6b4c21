// src/observe/recorder/override_libc.cpp - the C library's allocation functions, each written down and passed on.
//
// Layer:      observe
// Source:     C23 7.24.3, POSIX.1-2017, glibc 2.36 malloc.
// Failure:    exactly the next malloc's; what it lacks is served by what it has.
// Threads:    any.
// Checked by: tests/observe/recorder
//
// free(nullptr) is no event: nothing is released.
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "next.hpp"
#include "recorder.hpp"

#define ASHLAR_EXPORT [[gnu::visibility("default")]]

namespace ashlar::recorder {
namespace {

/// @returns n * size, or the greatest number if that overflows, which no malloc grants
std::size_t product(std::size_t n, std::size_t size) noexcept {
    std::size_t r;
    return __builtin_mul_overflow(n, size, &r) ? SIZE_MAX : r;
}

[[gnu::noinline]] void* resize_in_full(event_kind kind, void* old, std::size_t size) noexcept {
    return move(kind, old, size, [=](bool& failed) {
        if (size != 0 || old == nullptr) {
            void* p = next.realloc(old, size);
            failed = p == nullptr;
            return p;
        }
        // Some mallocs free the block and return null, which only errno tells from a refusal.
        const int kept = errno;
        errno = 0;
        void* p = next.realloc(old, 0);
        failed = p == nullptr && errno == ENOMEM;
        if (errno == 0) errno = kept;
        return p;
    });
}

void* resize(event_kind kind, void* old, std::size_t size) noexcept {
    if ((old == nullptr || !sampled.may_hold(old)) && passes_over_at_once(size)) return next.realloc(old, size);
    return resize_in_full(kind, old, size);
}

/// The block of the store stays where it is, unused (next.I1).
void* resize_of_store(void* old, std::size_t size) noexcept {
    void* p = have_next() ? next.malloc(size) : take_from_store(size, 16);
    const std::size_t had = size_in_store(old);
    if (p != nullptr) std::memcpy(p, old, had < size ? had : size);
    return p;
}

template <class Call>
[[gnu::always_inline]] inline void drop(event_kind kind, void* p, std::size_t size, std::size_t align,
                                        Call call) noexcept {
    if (p == nullptr || is_of_store(p)) return;
    if (have_next()) release(kind, p, size, align, call);
}

}  // namespace
}  // namespace ashlar::recorder

using namespace ashlar::recorder;
using ashlar::event_kind;

extern "C" {

ASHLAR_EXPORT void* malloc(std::size_t size) noexcept {
    if (passes_over_at_once(size)) return next.malloc(size);
    if (!have_next()) return take_from_store(size, 16);
    return request_in_full(event_kind::malloc, size, 0, [=] { return next.malloc(size); }, true);
}

ASHLAR_EXPORT void* calloc(std::size_t n, std::size_t size) noexcept {
    if (!have_next()) return take_from_store(product(n, size), 16);  // zero, because it is used once
    return request(event_kind::calloc, product(n, size), 0, [=] { return next.calloc(n, size); });
}

ASHLAR_EXPORT void* realloc(void* old, std::size_t size) noexcept {
    if (is_of_store(old)) return resize_of_store(old, size);
    return have_next() ? resize(event_kind::realloc, old, size) : take_from_store(size, 16);
}

ASHLAR_EXPORT void* reallocarray(void* old, std::size_t n, std::size_t size) noexcept {
    // Not the next one's reallocarray: glibc's would call realloc above, which would be a second event.
    const std::size_t total = product(n, size);
    if (is_of_store(old)) return resize_of_store(old, total);
    return have_next() ? resize(event_kind::reallocarray, old, total) : take_from_store(total, 16);
}

ASHLAR_EXPORT void free(void* p) noexcept {
    drop(event_kind::free, p, 0, 0, [=] { next.free(p); });
}

ASHLAR_EXPORT void free_sized(void* p, std::size_t size) noexcept {
    drop(event_kind::free_sized, p, size, 0, [=] { next.free_sized ? next.free_sized(p, size) : next.free(p); });
}

ASHLAR_EXPORT void free_aligned_sized(void* p, std::size_t align, std::size_t size) noexcept {
    drop(event_kind::free_aligned_sized, p, size, align, [=] {
        next.free_aligned_sized ? next.free_aligned_sized(p, align, size) : next.free(p);
    });
}

ASHLAR_EXPORT int posix_memalign(void** out, std::size_t align, std::size_t size) noexcept {
    if (!have_next()) {
        void* p = take_from_store(size, align);
        return p != nullptr ? (*out = p, 0) : ENOMEM;
    }
    int result = 0;
    void* p = request(event_kind::posix_memalign, size, align, [&]() -> void* {
        void* got = nullptr;
        result = next.posix_memalign(&got, align, size);
        return result == 0 ? got : nullptr;
    });
    if (result == 0) *out = p;
    return result;
}

ASHLAR_EXPORT void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
    if (!have_next()) return take_from_store(size, align);
    return request(event_kind::aligned_alloc, size, align, [=] {
        return next.aligned_alloc ? next.aligned_alloc(align, size) : next.memalign(align, size);
    });
}

ASHLAR_EXPORT void* memalign(std::size_t align, std::size_t size) noexcept {
    if (!have_next()) return take_from_store(size, align);
    return request(event_kind::memalign, size, align, [=] { return next.memalign(align, size); });
}

ASHLAR_EXPORT void* valloc(std::size_t size) noexcept {
    if (!have_next()) return take_from_store(size, 4096);
    return request(event_kind::valloc, size, 0, [=]() -> void* { return next.valloc ? next.valloc(size) : nullptr; });
}

ASHLAR_EXPORT void* pvalloc(std::size_t size) noexcept {
    if (!have_next()) return take_from_store(size, 4096);
    return request(event_kind::pvalloc, size, 0, [=]() -> void* { return next.pvalloc ? next.pvalloc(size) : nullptr; });
}

ASHLAR_EXPORT std::size_t malloc_usable_size(void* p) noexcept {
    if (is_of_store(p)) return size_in_store(p);
    return p != nullptr && have_next() && next.malloc_usable_size ? next.malloc_usable_size(p) : 0;
}

ASHLAR_EXPORT pid_t fork() noexcept {
    if (!have_next() || next.fork == nullptr) {
        errno = ENOSYS;
        return -1;
    }
    const pid_t child = next.fork();
    if (child > 0) fact(event_kind::fork, static_cast<std::size_t>(child));
    return child;
}

}  // extern "C"
