// The memories that the programs of programs.hpp run on: each offers local references, fields, objects and arrays.
#pragma once

#if ASHLAR_PEER_LIBGC
#include <gc.h>
#endif

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/gc/array.hpp"
#include "ashlar/gc/collected_heap.hpp"
#include "ashlar/gc/member.hpp"

/// Nothing is freed by hand; the heap is given `headroom` bytes between two collections.
class collected {
public:
    static constexpr bool by_hand = false;
    template <class T>
    using local = ashlar::gc::root<T>;
    template <class T>
    using argument = ashlar::gc::handle<T>;
    template <class T>
    using field = ashlar::gc::member<T>;
    template <class T>
    using array = ashlar::gc::array<T>;

    explicit collected(std::size_t room, bool young = false) : heap_({.headroom = room, .growth = 0, .generational = young}) {}
    template <class T, class... Args>
    local<T> make(Args&&... args) { return heap_.make<T>(std::forward<Args>(args)...); }
    template <class T>
    local<array<T>> make_array(std::size_t n) { return heap_.make_array<T>(n); }
    template <class T>
    void destroy(T*) {}
    std::size_t collections() { return heap_.stats().collections; }

private:
    ashlar::gc::heap heap_;
};

/// The same, looking at what is young only, while that frees enough.
class generational : public collected {
public:
    explicit generational(std::size_t room) : collected(room, true) {}
};

/// A length and elements behind it, as ashlar::gc::array has them.
template <class T>
struct plain_array {
    std::size_t number;
    std::size_t size() const { return number; }
    T& operator[](std::size_t i) { return reinterpret_cast<T*>(this + 1)[i]; }
    T* data() { return reinterpret_cast<T*>(this + 1); }
};

/// What a program holds where references are plain pointers.
struct plain_pointers {
    template <class T>
    using local = T*;
    template <class T>
    using argument = T*;
    template <class T>
    using field = T*;
    template <class T>
    using array = plain_array<T>;
};

#if ASHLAR_PEER_LIBGC
/// libgc: it collects when a `divisor`-th of its heap was allocated, about, and grows its heap by itself. It has no way to say how
/// large the heap is to be: beyond GC_set_max_heap_size it gives up instead of collecting.
class conservative : public plain_pointers {
public:
    static constexpr bool by_hand = false;

    explicit conservative(std::size_t divisor) {
        GC_INIT();
        GC_set_free_space_divisor(divisor);
        GC_set_warn_proc(GC_ignore_warn_proc);
    }
    template <class T, class... Args>
    T* make(Args&&... args) { return ::new (GC_MALLOC(sizeof(T))) T{std::forward<Args>(args)...}; }
    template <class T>
    array<T>* make_array(std::size_t n) {
        const std::size_t bytes = sizeof(array<T>) + n * sizeof(T);
        auto* const a = static_cast<array<T>*>(std::is_pointer_v<T> ? GC_MALLOC(bytes) : GC_MALLOC_ATOMIC(bytes));
        if (!std::is_pointer_v<T>) std::memset(static_cast<void*>(a), 0, bytes);
        a->number = n;
        return a;
    }
    template <class T>
    void destroy(T*) {}
    std::size_t collections() { return GC_get_gc_no(); }
};
#endif

/// malloc and free of the C library: what is no longer needed is freed by the programs.
class freed_by_hand : public plain_pointers {
public:
    static constexpr bool by_hand = true;

    explicit freed_by_hand(std::size_t) {}
    template <class T, class... Args>
    T* make(Args&&... args) { return ::new (std::malloc(sizeof(T))) T{std::forward<Args>(args)...}; }
    template <class T>
    array<T>* make_array(std::size_t n) {
        auto* const a = static_cast<array<T>*>(std::calloc(1, sizeof(array<T>) + n * sizeof(T)));
        a->number = n;
        return a;
    }
    template <class T>
    void destroy(T* object) { std::free(object); }
    std::size_t collections() { return 0; }
};
