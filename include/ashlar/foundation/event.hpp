// ashlar/foundation/event.hpp - what a program asked of its allocator: one request, release or thread fact.
//
// Layer:      foundation
// Source:     the C and C++ allocation interfaces: C23 7.24.3, POSIX.1-2017 posix_memalign,
//             ISO C++20 [new.delete].
// Picture:    kind | failed | thread | time | address | size | alignment | old address
// Complexity: every query is O(1); an event is 56 bytes and owns nothing.
// Failure:    none; a request that was refused is an event like any other, with `failed` set.
// Threads:    a value; share it as you share an int.
// Invariants: event.I1  a refused request grants nothing: failed implies address == 0
//             event.I2  only moves() kinds carry an old address
// Checked by: tests/foundation/event_test.cpp
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar {

/// How the program spoke to its allocator. The numbers are written into traces: add at the end of a
/// group's range, never renumber (docs/trace_format.md).
enum class event_kind : std::uint8_t {
    none = 0,
    // Requests: they grant a block or are refused.
    malloc = 1,
    calloc = 2,            ///< size is the product; the greatest 64-bit number if it overflowed
    realloc = 3,           ///< releases old_address and grants address, unless it failed
    reallocarray = 4,      ///< as realloc; size is the product
    posix_memalign = 5,
    aligned_alloc = 6,
    memalign = 7,
    valloc = 8,
    pvalloc = 9,
    new_object = 10,       ///< operator new(size)
    new_array = 11,        ///< operator new[](size)
    new_nothrow = 12,
    new_array_nothrow = 13,
    new_aligned = 14,
    new_array_aligned = 15,
    new_aligned_nothrow = 16,
    new_array_aligned_nothrow = 17,
    // Releases.
    free = 32,
    free_sized = 33,
    free_aligned_sized = 34,
    delete_object = 35,    ///< operator delete(p), the nothrow form included
    delete_array = 36,
    delete_sized = 37,
    delete_array_sized = 38,
    delete_aligned = 39,
    delete_array_aligned = 40,
    delete_sized_aligned = 41,
    delete_array_sized_aligned = 42,
    // Facts about the process.
    thread_begin = 48,     ///< before the thread's first event
    thread_end = 49,       ///< the thread's destructors have run (some releases may still follow)
    fork = 50,             ///< size is the child's process id
    exec = 51,             ///< the process went on as another program: the last event of its trace
    map = 52,              ///< mmap: size bytes at address; alignment says how (map_* below)
    unmap = 53,            ///< munmap: size bytes at address, mapped by this program or not
    load = 54,             ///< dlopen was called; size is the number of a text of the trace: the file as it was named
    unload = 62,           ///< dlclose was called; the same
};

/// What event::alignment says of a map: the lowest three bits are what may be done (read, write, execute).
inline constexpr std::uint64_t map_shared = 8, map_of_file = 16, map_fixed = 32;

/// The least and the greatest number of the groups, for tables indexed by kind.
inline constexpr unsigned event_kind_limit = 64;

/// @returns whether the kind asks for a block (it may have been refused).
constexpr bool requests(event_kind k) noexcept {
    return k >= event_kind::malloc && k <= event_kind::new_array_aligned_nothrow;
}

/// @returns whether the kind gives a block back and asks for nothing.
constexpr bool releases(event_kind k) noexcept {
    return k >= event_kind::free && k <= event_kind::delete_array_sized_aligned;
}

/// @returns whether the kind both releases and requests: realloc and reallocarray.
constexpr bool moves(event_kind k) noexcept {
    return k == event_kind::realloc || k == event_kind::reallocarray;
}

/// @returns whether an event of this kind says an alignment.
constexpr bool states_alignment(event_kind k) noexcept {
    using enum event_kind;
    return (k >= posix_memalign && k <= memalign) || (k >= new_aligned && k <= new_array_aligned_nothrow) ||
           k == free_aligned_sized || (k >= delete_aligned && k <= delete_array_sized_aligned) || k == map;
}

/// @returns whether the kind tells of memory that the program has from the system by itself.
constexpr bool maps(event_kind k) noexcept { return k == event_kind::map || k == event_kind::unmap; }

/// @returns whether the kind names a text of the trace: a library.
constexpr bool names_text(event_kind k) noexcept { return k == event_kind::load || k == event_kind::unload; }

/// @returns whether an event of this kind says a size: every request, the sized releases, mappings, and fork.
constexpr bool states_size(event_kind k) noexcept {
    using enum event_kind;
    return requests(k) || k == free_sized || k == free_aligned_sized || k == delete_sized ||
           k == delete_array_sized || k == delete_sized_aligned || k == delete_array_sized_aligned || k == fork || maps(k);
}

/// @returns whether the kind is one of the enumerators above other than none.
constexpr bool is_known(event_kind k) noexcept {
    return requests(k) || releases(k) || (k >= event_kind::thread_begin && k <= event_kind::load) || k == event_kind::unload;
}

/// @returns the kind's name as a person would write the call: "malloc", "operator new[]", "thread begin".
constexpr std::string_view name(event_kind k) noexcept {
    using enum event_kind;
    switch (k) {
        case none: return "none";
        case malloc: return "malloc";
        case calloc: return "calloc";
        case realloc: return "realloc";
        case reallocarray: return "reallocarray";
        case posix_memalign: return "posix_memalign";
        case aligned_alloc: return "aligned_alloc";
        case memalign: return "memalign";
        case valloc: return "valloc";
        case pvalloc: return "pvalloc";
        case new_object: return "operator new";
        case new_array: return "operator new[]";
        case new_nothrow: return "operator new (nothrow)";
        case new_array_nothrow: return "operator new[] (nothrow)";
        case new_aligned: return "operator new (aligned)";
        case new_array_aligned: return "operator new[] (aligned)";
        case new_aligned_nothrow: return "operator new (aligned, nothrow)";
        case new_array_aligned_nothrow: return "operator new[] (aligned, nothrow)";
        case free: return "free";
        case free_sized: return "free_sized";
        case free_aligned_sized: return "free_aligned_sized";
        case delete_object: return "operator delete";
        case delete_array: return "operator delete[]";
        case delete_sized: return "operator delete (sized)";
        case delete_array_sized: return "operator delete[] (sized)";
        case delete_aligned: return "operator delete (aligned)";
        case delete_array_aligned: return "operator delete[] (aligned)";
        case delete_sized_aligned: return "operator delete (sized, aligned)";
        case delete_array_sized_aligned: return "operator delete[] (sized, aligned)";
        case thread_begin: return "thread begin";
        case thread_end: return "thread end";
        case fork: return "fork";
        case exec: return "exec";
        case map: return "mmap";
        case unmap: return "munmap";
        case load: return "dlopen";
        case unload: return "dlclose";
    }
    return "unknown";
}

/// One event. A field that the kind does not speak of is zero.
struct event {
    std::uint64_t time_ns = 0;      ///< since the recording began
    std::uint64_t address = 0;      ///< the block granted or released; 0 if nothing was granted
    std::uint64_t size = 0;         ///< bytes asked for, or bytes told by a sized release
    std::uint64_t alignment = 0;    ///< as the program gave it: may be no power of two in a refused request
    std::uint64_t old_address = 0;  ///< realloc: the block given in; it stays live if the request failed
    std::uint32_t stack = 0;        ///< who asked: a number of the trace's stacks (trace_stacks.hpp); 0 if not known
    std::uint32_t thread = 0;       ///< dense, from 0, in order of the threads' first events
    event_kind kind = event_kind::none;
    bool failed = false;            ///< the request was refused

    friend constexpr bool operator==(const event&, const event&) = default;

    /// @returns the address of the block this event ends the life of, or 0.
    constexpr std::uint64_t released() const noexcept {
        return releases(kind) ? address : (moves(kind) && !failed ? old_address : 0);
    }
    /// @returns the address of the block this event begins the life of, or 0.
    constexpr std::uint64_t granted() const noexcept { return requests(kind) && !failed ? address : 0; }
};

}  // namespace ashlar
