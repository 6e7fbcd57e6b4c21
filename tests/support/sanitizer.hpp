// Tells a test that it runs under a sanitizer whose shadow memory is part of the process.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ASHLAR_TESTS_SEE_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASHLAR_TESTS_SEE_LEAKS 1
#endif
#endif
#if defined(ASHLAR_TESTS_SEE_LEAKS)
extern "C" void __lsan_disable();
extern "C" void __lsan_enable();
extern "C" int __asan_address_is_poisoned(const volatile void* p);
#endif

namespace support {

/// While it lives, what is allocated may stay: the leak is what the test is about.
struct leaks_are_meant {
#if defined(ASHLAR_TESTS_SEE_LEAKS)
    leaks_are_meant() noexcept { __lsan_disable(); }
    ~leaks_are_meant() { __lsan_enable(); }
#else
    leaks_are_meant() noexcept {}
    ~leaks_are_meant() {}
#endif
    leaks_are_meant(const leaks_are_meant&) = delete;
    leaks_are_meant& operator=(const leaks_are_meant&) = delete;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// Whether AddressSanitizer would report a use of that byte; never where it is not there (`sees_poison`).
#if defined(ASHLAR_TESTS_SEE_LEAKS)
inline constexpr bool sees_poison = true;
inline bool is_poisoned(const void* p) noexcept { return __asan_address_is_poisoned(p) != 0; }
#else
inline constexpr bool sees_poison = false;
inline bool is_poisoned(const void*) noexcept { return false; }
#endif

}  // namespace support
