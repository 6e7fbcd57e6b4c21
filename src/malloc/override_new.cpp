// ashlar/src/malloc/override_new.cpp - every form of operator new and delete.
//
// Layer:      malloc
// Source:     ISO C++20 [new.delete]; the Itanium C++ ABI names of libstdc++'s handler and exception.
// Complexity: as malloc and free.
// Failure:    the new_handler is called as long as there is one; then bad_alloc, or null for the nothrow forms.
// Threads:    any.
// Checked by: tests/malloc/program/new_delete.cpp
//
// Nothing here needs libstdc++: a C program loads none. What a C++ program brings is found by weak names, or, when
// libstdc++ came with a plugin, by asking the loader.
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "export.hpp"
#include "line.hpp"
#include "obey/sites.hpp"
#include "fast_path.hpp"

namespace {

namespace core = ashlar::malloc;

using handler_getter = std::new_handler (*)();
using thrower = void (*)();
constexpr int lazy = 1, only_if_loaded = 4;  // RTLD_LAZY and RTLD_NOLOAD of <dlfcn.h>, whose functions are not weak

extern "C" {
[[gnu::weak]] std::new_handler get_handler_of_libstdcxx() noexcept __asm__("_ZSt15get_new_handlerv");
[[gnu::weak]] void throw_bad_alloc_of_libstdcxx() __asm__("_ZSt17__throw_bad_allocv");
// Weak too: a static program has no loader to ask, and needs none.
[[gnu::weak]] void* dlopen(const char* name, int how) noexcept;
[[gnu::weak]] void* dlsym(void* library, const char* name) noexcept;
}

/// A function of libstdc++, also when it was loaded for a plugin alone; null when there is none in the process.
template <class F>
F of_libstdcxx(F weak, const char* name) noexcept {
    if (weak != nullptr) return weak;
    if (&dlopen == nullptr || &dlsym == nullptr) return nullptr;
    void* library = dlopen("libstdc++.so.6", lazy | only_if_loaded);
    return library == nullptr ? nullptr : reinterpret_cast<F>(dlsym(library, name));
}

std::new_handler current_handler() noexcept {
    const auto get = of_libstdcxx<handler_getter>(&get_handler_of_libstdcxx, "_ZSt15get_new_handlerv");
    return get == nullptr ? nullptr : get();
}

void* try_once(std::size_t size, std::size_t align) noexcept {
    if (size > static_cast<std::size_t>(PTRDIFF_MAX)) return nullptr;
    return align <= ashlar::size_class_step ? core::allocate_larger(size) : core::allocate_aligned(size, align);
}

/// Asks and calls the new_handler in turn. @returns null when there is no handler left; a handler may throw
void* ask_until_given(std::size_t size, std::size_t align) {
    for (;;) {
        if (void* p = try_once(size, align)) return p;
        const std::new_handler handler = current_handler();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

[[gnu::noinline]] void* new_slowly(std::size_t size, std::size_t align) {
    if (void* p = ask_until_given(size, align)) return p;
    errno = ENOMEM;
    if (const auto raise = of_libstdcxx<thrower>(&throw_bad_alloc_of_libstdcxx, "_ZSt17__throw_bad_allocv")) raise();
    core::line("ashlar: operator new(", std::uint64_t{size}, "): out of memory").print();
    std::abort();
}

/// As malloc_larger: it keeps no frame.
[[gnu::noinline]] void* new_larger(std::size_t size) {
    if constexpr (core::obeys) core::note_slow_call(__builtin_return_address(0));
    if (void* p = core::pop_second(size)) return p;
    return new_slowly(size, 1);
}

[[gnu::always_inline]] inline void* new_usually(std::size_t size) {
    if (size <= core::first_limit) [[likely]] {
        if (void* p = core::pop_first(size)) [[likely]] return p;
    }
    return new_larger(size);
}
/// Where a rule may be about the call: jumped to, as malloc_at_site.
[[gnu::noinline]] void* new_at_site(std::size_t size) {
    if (void* p = core::allocate_by_rule(size, core::caller::of(__builtin_return_address(0), __builtin_frame_address(0)))) return p;
    return new_usually(size);
}

[[gnu::noinline]] void* new_or_null(std::size_t size, std::size_t align) noexcept {
    try {
        return ask_until_given(size, align);
    } catch (...) {  // a new_handler that throws bad_alloc
        return nullptr;
    }
}

}  // namespace

// What try and catch refer to; weak, because a C program has none of it and never gets there.
__asm__(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak __cxa_rethrow");

#define SAME_AS(name) __attribute__((alias(name), visibility("default")))

ASHLAR_EXPORT void* operator new(std::size_t size) {
    if constexpr (core::obeys) {
        if (core::may_be_ruled(__builtin_return_address(0))) [[unlikely]] return new_at_site(size);
    }
    return new_usually(size);
}
ASHLAR_EXPORT void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (size <= core::first_limit) [[likely]] {
        if (void* p = core::pop_first(size)) [[likely]] return p;
    }
    return new_or_null(size, 1);
}
ASHLAR_EXPORT void* operator new(std::size_t size, std::align_val_t align) {
    return new_slowly(size, static_cast<std::size_t>(align));
}
ASHLAR_EXPORT void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return new_or_null(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t) SAME_AS("_Znwm");
void* operator new[](std::size_t, const std::nothrow_t&) noexcept SAME_AS("_ZnwmRKSt9nothrow_t");
void* operator new[](std::size_t, std::align_val_t) SAME_AS("_ZnwmSt11align_val_t");
void* operator new[](std::size_t, std::align_val_t, const std::nothrow_t&) noexcept
    SAME_AS("_ZnwmSt11align_val_tRKSt9nothrow_t");

ASHLAR_EXPORT void operator delete(void* p) noexcept { core::free(p, "operator delete"); }
void operator delete[](void*) noexcept SAME_AS("_ZdlPv");
void operator delete(void*, std::align_val_t) noexcept SAME_AS("_ZdlPv");
void operator delete[](void*, std::align_val_t) noexcept SAME_AS("_ZdlPv");
void operator delete(void*, const std::nothrow_t&) noexcept SAME_AS("_ZdlPv");
void operator delete[](void*, const std::nothrow_t&) noexcept SAME_AS("_ZdlPv");
void operator delete(void*, std::align_val_t, const std::nothrow_t&) noexcept SAME_AS("_ZdlPv");
void operator delete[](void*, std::align_val_t, const std::nothrow_t&) noexcept SAME_AS("_ZdlPv");

ASHLAR_EXPORT void operator delete(void* p, std::size_t size) noexcept { core::free(p, {size, 1}, "operator delete"); }
void operator delete[](void*, std::size_t) noexcept SAME_AS("_ZdlPvm");
ASHLAR_EXPORT void operator delete(void* p, std::size_t size, std::align_val_t align) noexcept {
    core::free(p, {size, static_cast<std::size_t>(align)}, "operator delete");
}
void operator delete[](void*, std::size_t, std::align_val_t) noexcept SAME_AS("_ZdlPvmSt11align_val_t");
