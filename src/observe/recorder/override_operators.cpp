// src/observe/recorder/override_operators.cpp - operator new and delete in all their forms, each written down.
//
// Layer:      observe
// Source:     ISO C++20 [new.delete].
// Failure:    as the standard says: the new handler is asked until there is none, then std::bad_alloc is thrown, or
//             null returned by the nothrow forms. The event says only how the whole call ended.
// Threads:    any.
// Checked by: tests/observe/recorder
//
// They are served by the next malloc and never by the next operator new, which would call malloc and be written down
// twice. A C program has no C++ library: whatever is needed of one is weak and is reached only from C++ programs.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "ashlar/os/platform.hpp"
#include "next.hpp"
#include "recorder.hpp"

#define ASHLAR_EXPORT [[gnu::visibility("default")]]

asm(".weak __gxx_personality_v0");
asm(".weak __cxa_begin_catch");
asm(".weak __cxa_end_catch");
asm(".weak _Unwind_Resume");

extern "C" {
[[gnu::weak, gnu::visibility("default")]] std::new_handler ashlar_get_new_handler() asm("_ZSt15get_new_handlerv");
[[gnu::weak, gnu::visibility("default"), noreturn]] void ashlar_throw_bad_alloc() asm("_ZSt17__throw_bad_allocv");
}

using namespace ashlar::recorder;
using ashlar::event_kind;

namespace {

void* ask(std::size_t size, std::size_t align) noexcept {
    if (size == 0) size = 1;
    return align == 0 ? next.malloc(size) : next.memalign(align, size);
}

/// What the program's handler does, throwing included, is its own business: the thread is not inside meanwhile.
/// @returns whether there was a handler to call
bool call_handler() {
    const std::new_handler handler = ashlar_get_new_handler ? ashlar_get_new_handler() : nullptr;
    if (handler != nullptr) handler();
    return handler != nullptr;
}

/// Only a request that was served is written down: others may be tried again.
void* attempt(event_kind kind, std::size_t size, std::size_t align) noexcept {
    return request(kind, size, align, [=] { return ask(size, align); }, false);
}

/// Writes the refusal down however the call is left: by a handler that throws as well.
struct refusal {
    event_kind kind;
    std::size_t size;
    std::size_t align;
    bool happens = true;
    ~refusal() {
        if (happens) fact(kind, size, align);
    }
};

void* allocate(event_kind kind, std::size_t size, std::size_t align = 0) {
    if (!have_next()) return take_from_store(size, align);
    refusal refused{kind, size, align};
    do {
        if (void* p = attempt(kind, size, align)) {
            refused.happens = false;
            return p;
        }
    } while (call_handler());
    if (ashlar_throw_bad_alloc) ashlar_throw_bad_alloc();
    std::abort();  // operator new without a C++ library that could throw
}

void* allocate_or_null(event_kind kind, std::size_t size, std::size_t align = 0) noexcept {
    try {
        return allocate(kind, size, align);
    } catch (...) {
        return nullptr;
    }
}

void drop(event_kind kind, void* p, std::size_t size = 0, std::size_t align = 0) noexcept {
    if (p == nullptr || is_of_store(p)) return;
    if (have_next()) release(kind, p, size, align, [=] { next.free(p); });
}

constexpr std::size_t number(std::align_val_t align) noexcept { return static_cast<std::size_t>(align); }

}  // namespace

#define REQUEST ASHLAR_EXPORT void*
#define RELEASE ASHLAR_EXPORT void
using std::align_val_t;
using std::nothrow_t;
using std::size_t;

REQUEST operator new(size_t n) { return allocate(event_kind::new_object, n); }
REQUEST operator new[](size_t n) { return allocate(event_kind::new_array, n); }
REQUEST operator new(size_t n, const nothrow_t&) noexcept { return allocate_or_null(event_kind::new_nothrow, n); }
REQUEST operator new[](size_t n, const nothrow_t&) noexcept {
    return allocate_or_null(event_kind::new_array_nothrow, n);
}
REQUEST operator new(size_t n, align_val_t a) { return allocate(event_kind::new_aligned, n, number(a)); }
REQUEST operator new[](size_t n, align_val_t a) { return allocate(event_kind::new_array_aligned, n, number(a)); }
REQUEST operator new(size_t n, align_val_t a, const nothrow_t&) noexcept {
    return allocate_or_null(event_kind::new_aligned_nothrow, n, number(a));
}
REQUEST operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept {
    return allocate_or_null(event_kind::new_array_aligned_nothrow, n, number(a));
}

RELEASE operator delete(void* p) noexcept { drop(event_kind::delete_object, p); }
RELEASE operator delete[](void* p) noexcept { drop(event_kind::delete_array, p); }
RELEASE operator delete(void* p, const nothrow_t&) noexcept { drop(event_kind::delete_object, p); }
RELEASE operator delete[](void* p, const nothrow_t&) noexcept { drop(event_kind::delete_array, p); }
RELEASE operator delete(void* p, size_t n) noexcept { drop(event_kind::delete_sized, p, n); }
RELEASE operator delete[](void* p, size_t n) noexcept { drop(event_kind::delete_array_sized, p, n); }
RELEASE operator delete(void* p, align_val_t a) noexcept { drop(event_kind::delete_aligned, p, 0, number(a)); }
RELEASE operator delete[](void* p, align_val_t a) noexcept { drop(event_kind::delete_array_aligned, p, 0, number(a)); }
RELEASE operator delete(void* p, align_val_t a, const nothrow_t&) noexcept {
    drop(event_kind::delete_aligned, p, 0, number(a));
}
RELEASE operator delete[](void* p, align_val_t a, const nothrow_t&) noexcept {
    drop(event_kind::delete_array_aligned, p, 0, number(a));
}
RELEASE operator delete(void* p, size_t n, align_val_t a) noexcept {
    drop(event_kind::delete_sized_aligned, p, n, number(a));
}
RELEASE operator delete[](void* p, size_t n, align_val_t a) noexcept {
    drop(event_kind::delete_array_sized_aligned, p, n, number(a));
}
