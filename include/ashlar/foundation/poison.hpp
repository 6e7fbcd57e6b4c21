// ashlar/foundation/poison.hpp - tells AddressSanitizer and Valgrind which bytes may be touched.
//
// Layer:      foundation
// Complexity: nothing in a build without the tools; else a call a range.
// Failure:    none.
// Threads:    as the tool.
// Checked by: tests/foundation/poison_test.cpp
//
// Valgrind's requests are compiled in only with ASHLAR_VALGRIND and its headers present; a fast path pays
// for neither tool unless it is built for it.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define ASHLAR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASHLAR_ASAN 1
#endif
#endif

#if defined(ASHLAR_ASAN)
extern "C" void __asan_poison_memory_region(void const volatile*, std::size_t);
extern "C" void __asan_unpoison_memory_region(void const volatile*, std::size_t);
#endif
#if defined(ASHLAR_VALGRIND) && __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define ASHLAR_MEMCHECK 1
#endif

namespace ashlar {

/// The range belongs to no live block: touching it is reported.
inline void poison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t size) noexcept {
#if defined(ASHLAR_ASAN)
    __asan_poison_memory_region(p, size);
#endif
#if defined(ASHLAR_MEMCHECK)
    VALGRIND_MAKE_MEM_NOACCESS(p, size);
#endif
}

/// The range may be touched; its contents are undefined.
inline void unpoison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t size) noexcept {
#if defined(ASHLAR_ASAN)
    __asan_unpoison_memory_region(p, size);
#endif
#if defined(ASHLAR_MEMCHECK)
    VALGRIND_MAKE_MEM_UNDEFINED(p, size);
#endif
}

}  // namespace ashlar
