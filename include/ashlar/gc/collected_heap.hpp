// ashlar/gc/collected_heap.hpp - objects that live while they are reachable; what cannot be reached is collected.
//
// Layer:      gc
// Source:     Blackburn and McKinley, "Immix", PLDI 2008; Jones, Hosking and Moss, "The Garbage Collection Handbook".
// Picture:    heap { allocation cursor | free root slots | ring of pins } -> collector { tiles by address, large objects, marker }
//             make:     [ live | live | new new new cursor . . . | live ]   bump allocation into the holes
//             collect:  mark from the roots; what has no mark is a hole, at once; destructors of the dead
//             compact:  [ live live live live pinned live | . . . ]         slid down in order
// Complexity: make is a bump of the cursor and a root. A collection costs time in the live objects, in the dead ones with
//             destructors, and a bit an object's 16 bytes; never in other dead ones.
// Failure:    try_make gives an empty root, make throws std::bad_alloc, after a last collection; the heap is unchanged and
//             may be asked again. A constructor that throws leaves nothing behind.
// Threads:    one at a time.
// Invariants: collected_heap.I1  an object reachable from a root, a pin or a global is alive and nothing else has its room
//             collected_heap.I2  objects die only at collections, and move only in compact() and evacuate()
//             collected_heap.I3  destructors run only in collect, compact, safepoint, step and ~heap, once an object
//             collected_heap.I4  the footprint never exceeds the hard limit
// Checked by: tests/gc/collected_heap_test.cpp, tests/gc/collected_heap_model_test.cpp
// Long:       the inlined path of make, its ends, and all that a program asks of a heap, are one class.
//
// The rule. `make` may collect: when as much was made since the last collection as the options allow, and before it
// refuses. Then unreachable objects die, and weak references to them are null; but nothing moves, and no destructor runs:
// the dead that have one wait, in their room, for the next safepoint. It does not collect while a constructor runs, nor
// where a no_gc is. (An aggregate that nothing throws in has no constructor: it must make nothing while it is built, which
// is checked.) So a T& is good for as long as something keeps its object reachable and nobody calls compact() or evacuate().
// In a destructor the object's members read null, for what they referred to may be gone already.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/compose/any_ref.hpp"
#include "ashlar/gc/array.hpp"
#include "ashlar/gc/root.hpp"
#include "ashlar/gc/type.hpp"

namespace ashlar::gc {

namespace detail {
class collector;

struct bump {
    std::byte* cursor = nullptr;  ///< where the next object will be
    std::byte* limit = nullptr;
    std::size_t tile = 0;   ///< where the next hole is looked for
    std::size_t index = 0;
};
}  // namespace detail

/// For tests: makes mistakes of the program show.
struct zeal {
    bool collect = false;  ///< at every make that may
    bool poison = false;   ///< the room of the dead is overwritten
};

/// What a heap does, told as it does it.
enum class happening : std::uint8_t {
    grown,      ///< memory was taken; bytes: how much
    shrunk,     ///< and given back
    refused,    ///< by the upstream or the hard limit; bytes: how much was asked for
    marking,    ///< a collection begins; bytes: the footprint
    marked,     ///< what is reachable is known; bytes: made since the last collection
    swept,      ///< the collection is over; bytes: what is alive
    compacted,  ///< bytes: the footprint
};
struct listener {
    /// @pre it does not use the heap
    void (*tell)(void* to, happening what, std::size_t bytes) noexcept = nullptr;
    void* to = nullptr;
};

struct options {
    std::size_t soft_limit = std::numeric_limits<std::size_t>::max();  ///< footprint above which it collects before it grows
    std::size_t hard_limit = std::numeric_limits<std::size_t>::max();  ///< footprint that it never exceeds
    std::size_t headroom = std::size_t{4} << 20;  ///< bytes made between two collections, at least
    double growth = 1.0;      ///< and at least this times what the last one found alive
    bool automatic = true;    ///< make may collect before it must
    bool in_steps = false;    ///< and does so a little at a time, from half of that on, as much as it made since
    unsigned marking_threads = 1;  ///< at most; `trace` is then called by several at once, each for another object
    bool generational = false;  ///< and looks only at what was made since, while that frees enough; not with in_steps
    gc::zeal zeal{};
    gc::listener listener{};
};

struct statistics {
    std::size_t footprint, peak_footprint;  ///< bytes taken from the upstream
    std::size_t live;         ///< bytes of objects found by the last collection, headers included
    std::size_t made;         ///< bytes of holes used since, and of large objects
    std::size_t collections, compactions;
    std::size_t young;        ///< of the collections, those that looked only at what was made since the one before
    std::size_t destroyed;    ///< destructors run
    std::size_t waiting;      ///< dead, with a destructor that has not run
    std::size_t pauses[24];   ///< collections, compactions and steps by their time: [k] under 2^k microseconds, and not under [k-1]
    std::chrono::nanoseconds longest_pause;
    std::size_t survival[9];  ///< blocks of 16 KiB of tiles, by how many eighths of them the last collection found alive, rounded up
};

/// What verify() found wrong: null where nothing.
struct verdict {
    const char* fault = nullptr;
    const void* object = nullptr;     ///< that holds the reference
    const void* target = nullptr;
    const char* type = nullptr;       ///< contains the object's type
    std::size_t offset = 0;           ///< of the reference in the object, where it is inside
    explicit operator bool() const noexcept { return fault == nullptr; }
};

/// How many objects of a type there are.
struct population {
    std::size_t objects, bytes;
};

class heap {
public:
    using write_function = void (*)(void* to, const char* text, std::size_t length);

    /// @throws std::bad_alloc
    explicit heap(const options& o = {});
    /// @pre the upstream outlives the heap
    heap(any_ref upstream, const options& o);
    heap(const heap&) = delete;
    heap& operator=(const heap&) = delete;
    /// Destroys every object. @pre no root, pin, global or weak reference of the heap is left outside it
    ~heap();

    /// @returns a root of a new T, or an empty one
    /// @throws what T's constructor throws
    template <class T, class... Args>
    root<T> try_make(Args&&... args) {
        void* const room = allocate<T>();
        if (room == nullptr) [[unlikely]] return {};
        construct_with<T>(room, std::forward<Args>(args)...);
        return rooted<T>(room);
    }
    /// @throws std::bad_alloc, and what T's constructor throws
    template <class T, class... Args>
    [[gnu::always_inline]] root<T> make(Args&&... args) {
        if constexpr (detail::small<T>) {
            // What is seldom is two calls at the end: the rest needs no registers saved (tests/budgets/gc.cpp).
            if (void* const room = bump(detail::descriptor_of<T>, detail::granules_for(sizeof(T)))) [[likely]] {
                construct_with<T>(room, std::forward<Args>(args)...);
                if (roots_.free == nullptr) [[unlikely]] return root_slowly<T>(room);
                return root<T>(roots_.take(room));
            }
            return make_slowly<T>(std::forward<Args>(args)...);
        } else {
            return make_large<T>(std::forward<Args>(args)...);
        }
    }

    /// Elements are value-initialised.
    template <class T>
    root<array<T>> try_make_array(std::size_t n) {
        using A = array<T>;
        if (n > (std::numeric_limits<std::ptrdiff_t>::max() - A::offset) / sizeof(T)) return {};
        const std::size_t bytes = A::offset + n * sizeof(T);
        void* const room = bytes <= detail::largest_small ? allocate_small(detail::descriptor_of<A>, detail::granules_for(bytes))
                                                          : allocate_large(detail::descriptor_of<A>, bytes, alignof(A));
        if (room == nullptr) return {};
        construct<A>(room, [&] { ::new (room) A(n); });
        return rooted<A>(room);
    }
    template <class T>
    root<array<T>> make_array(std::size_t n) {
        auto made = try_make_array<T>(n);
        if (!made) throw std::bad_alloc();
        return made;
    }

    /// Finds what is unreachable, and runs the destructors of the dead. Nothing moves.
    /// @pre not in a destructor or constructor of an object of the heap, nor where a no_gc is
    void collect();
    /// Collects, then moves what is left to the lowest addresses, in order, and gives what is free to the upstream. What is
    /// pinned stays, and so do large objects and those of types that cannot be moved (type.hpp).
    /// Addresses that were kept are stale after it: roots, handles and members have been updated.
    /// @pre as collect
    /// @returns whether it moved; without the memory for its plan it only collects
    bool compact();
    /// As compact, but only of tiles of which less than this part is in use. Does nothing, and does not collect, where that
    /// would empty no tile: to be called wherever objects may move.
    /// @pre as collect
    /// @returns whether it moved
    bool evacuate(double sparse = 0.5);
    /// Does a part of a collection, and stops when the time is over; begins one where none is under way. Nothing moves.
    /// Not divided are: a scan of the roots, weak references and ephemerons, one destructor, one object's `trace`.
    /// @pre as collect
    /// @returns whether a collection is complete, its destructors run
    bool step(std::chrono::nanoseconds most);
    /// Runs the destructors that wait. @returns how many
    std::size_t safepoint();

    /// Looks at every object and reference, and changes nothing. With zeal.poison also for members that `trace` forgot. @pre not in a constructor or destructor of an object
    verdict verify();
    statistics stats() const noexcept;
    /// @returns the objects of this very type, reachable or not found unreachable yet
    template <class T>
    population count() { return count(detail::descriptor_of<T>); }
    /// Writes every object with its type, bytes and references, and what the roots hold, as JSON, in parts.
    void write_snapshot(write_function write, void* to);
    void set_limits(std::size_t soft, std::size_t hard) noexcept;

private:
    friend class detail::collector;
    friend class no_gc;
    friend detail::root_node& detail::pins_of(void*) noexcept;

    template <class T>
    void* allocate() {
        static_assert(alignof(T) <= detail::large_align_most, "collected objects are aligned to 4096 bytes at most");
        if constexpr (detail::small<T>) {
            constexpr std::size_t n = detail::granules_for(sizeof(T));
            void* const room = bump(detail::descriptor_of<T>, n);
            return room != nullptr ? room : allocate_slowly(detail::descriptor_of<T>, n);
        } else {
            return allocate_large(detail::descriptor_of<T>, sizeof(T), alignof(T));
        }
    }
    /// @returns null where there is no room at the cursor
    [[gnu::always_inline]] void* bump(const descriptor& d, std::size_t granules) noexcept {
        std::byte* const at = small_.cursor;
        // As numbers: the cursor may be null.
        const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(at) + granules * detail::granule;
        if (end > reinterpret_cast<std::uintptr_t>(small_.limit)) [[unlikely]] return nullptr;
        small_.cursor = reinterpret_cast<std::byte*>(end);
        ::new (at - detail::header_size) detail::header(&d);
        return at;
    }
    template <class T, class... Args>
    [[gnu::noinline, gnu::cold]] root<T> make_slowly(Args&&... args) {
        return make_large<T>(std::forward<Args>(args)...);
    }
    /// Not cold: a function that calls a cold one on each of its paths is compiled as cold itself, with all its loops.
    template <class T, class... Args>
    [[gnu::noinline]] root<T> make_large(Args&&... args) {
        void* const room = allocate<T>();
        if (room == nullptr) throw std::bad_alloc();
        construct_with<T>(room, std::forward<Args>(args)...);
        return root_slowly<T>(room);
    }
    template <class T>
    [[gnu::noinline, gnu::cold]] root<T> root_slowly(void* object) {
        detail::root_slot* const slot = roots_.take(object);
        if (slot == nullptr) throw std::bad_alloc();
        return root<T>(slot);
    }
    /// Of arrays, whose headers say how long they are.
    void* allocate_small(const descriptor& d, std::size_t granules) {
        void* const room = bump(d, granules);
        if (room == nullptr) return allocate_slowly(d, granules);
        ::new (static_cast<std::byte*>(room) - detail::header_size) detail::header(&d, granules);
        return room;
    }
    template <class T>
    root<T> rooted(void* object) noexcept {
        detail::root_slot* const slot = roots_.take(object);
        return slot == nullptr ? root<T>() : root<T>(slot);
    }
    template <class T, class... Args>
    [[gnu::always_inline]] static void build(void* room, Args&&... args) {
        if constexpr (std::is_constructible_v<T, Args...>) ::new (room) T(std::forward<Args>(args)...);
        else ::new (room) T{std::forward<Args>(args)...};
    }
    /// Makes nothing of this heap while it is built: it has no constructor, and nothing that it is given may throw.
    template <class T, class... Args>
    static constexpr bool is_quiet = std::is_aggregate_v<T> && detail::small<T> && [] {
        if constexpr (std::is_constructible_v<T, Args...>) return std::is_nothrow_constructible_v<T, Args...>;
        else return noexcept(T{std::declval<Args>()...});
    }();
    template <class T, class... Args>
    [[gnu::always_inline]] void construct_with(void* room, Args&&... args) {
        if constexpr (is_quiet<T, Args...> && detail::descriptor_of<T>.destroy == nullptr && detail::descriptor_of<T>.movable) {
            [[maybe_unused]] const std::byte* const cursor = small_.cursor;
            build<T>(room, std::forward<Args>(args)...);
            // Else an initialiser that says noexcept has made something, and a collection may have freed this very room.
            ASHLAR_PRE(small_.cursor == cursor);
        } else {
            construct<T>(room, [&] { build<T>(room, std::forward<Args>(args)...); });
        }
    }
    template <class T, class F>
    [[gnu::always_inline]] void construct(void* room, F build_it) {
        struct building {
            heap* h;
            void* object;
            ~building() {
                --h->constructing_;
                if (object != nullptr) h->abandon(object);
            }
        } b{this, room};
        ++constructing_;
        build_it();
        b.object = nullptr;
        if constexpr (detail::descriptor_of<T>.destroy != nullptr) has_destructor(room);
        if constexpr (!detail::descriptor_of<T>.movable) detail::tile_of(room)->has_immovable = true;
    }
    static void has_destructor(void* object) noexcept {
        detail::tile* const t = detail::tile_of(object);
        if (t->large_offset != 0) t->has_destructor = true;
        else t->destructors[detail::index_of(object) / 64] |= detail::bit(detail::index_of(object));
    }
    population count(const descriptor& d);
    void* allocate_slowly(const descriptor& d, std::size_t granules);
    void* allocate_large(const descriptor& d, std::size_t bytes, std::size_t align);
    static void abandon(void* object) noexcept;

    detail::bump small_;
    std::size_t constructing_ = 0;
    std::size_t no_gc_ = 0;
    detail::root_slots roots_;
    detail::root_node pins_;
    detail::collector* collector_;
};

/// While it lives the heap does not collect: references and addresses may be kept freely.
class no_gc {
public:
    explicit no_gc(heap& h) noexcept : heap_(&h) { ++h.no_gc_; }
    no_gc(const no_gc&) = delete;
    no_gc& operator=(const no_gc&) = delete;
    ~no_gc() { --heap_->no_gc_; }

private:
    heap* heap_;
};

}  // namespace ashlar::gc
