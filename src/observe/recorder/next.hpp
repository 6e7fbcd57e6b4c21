// src/observe/recorder/next.hpp - the allocator that the recorder stands in front of.
//
// Layer:      observe
// Source:     dlsym(3), RTLD_NEXT.
// Picture:    program -> recorder -> whichever malloc comes next: a preloaded one, or the C library's
// Complexity: one comparison once the functions are known.
// Failure:    without a next malloc there is no program to record: the process is ended with a sentence. Functions
//             that only some mallocs have are null.
// Threads:    any. The first call finds the functions; what is asked for meanwhile comes from a small store.
// Invariants: next.I1  a block of the store never reaches the next malloc
// Checked by: tests/observe/recorder
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/types.h>

namespace ashlar::recorder {

struct next_functions {
    void* (*malloc)(std::size_t);
    void* (*calloc)(std::size_t, std::size_t);
    void* (*realloc)(void*, std::size_t);
    void (*free)(void*);
    int (*posix_memalign)(void**, std::size_t, std::size_t);
    void* (*aligned_alloc)(std::size_t, std::size_t);
    void* (*memalign)(std::size_t, std::size_t);
    void* (*valloc)(std::size_t);
    void* (*pvalloc)(std::size_t);
    std::size_t (*malloc_usable_size)(void*);
    void (*free_sized)(void*, std::size_t);                       ///< may be null
    void (*free_aligned_sized)(void*, std::size_t, std::size_t);  ///< may be null
    pid_t (*fork)();
    int (*dlclose)(void*);
    void* (*dlopen)(const char*, int);
    void* (*mmap)(void*, std::size_t, int, int, int, std::int64_t);
    int (*munmap)(void*, std::size_t);
    void* (*mremap)(void*, std::size_t, std::size_t, int, ...);
};
extern next_functions next;
extern bool next_is_known;

/// @returns false while the search itself asks for memory, which must then come from the store
bool find_next() noexcept;
inline bool have_next() noexcept { return __builtin_expect(next_is_known, true) || find_next(); }

/// Which malloc it is, as a flag of the file's header; 0 if it is none that a reader knows, or not found yet.
std::uint32_t flag_of_next() noexcept;

/// Memory for the search for the next malloc. It is never given back.
inline constexpr std::size_t store_size = 64 * 1024;
extern std::byte store[store_size];
inline bool is_of_store(const void* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(store) < store_size;
}
void* take_from_store(std::size_t size, std::size_t align) noexcept;
/// @pre is_of_store(p)
std::size_t size_in_store(const void* p) noexcept;

}  // namespace ashlar::recorder
