// ashlar/gc/root.hpp - what the program holds: root, handle, pin, global.
//
// Layer:      gc
// Source:     Rafkind et al., "Precise garbage collection for C", ISMM 2009 (roots known exactly, wherever they live).
// Picture:    root { slot } -> slot { object | its heap's slots }     slots lie together; the free ones are a list
// Complexity: to make or end a root is to take a slot from a list or to put it back: a few instructions. Reading is two
//             loads; moving a root moves the pointer to its slot.
// Failure:    where no slot is free and the heap's memory is refused, throws std::bad_alloc: copying a root may.
// Threads:    those of the heap.
// Invariants: root.I1  a root that holds an object has a slot of that object's heap; an empty one may have none
//             root.I2  the object of a slot in use is null or an address that 16 divides; of a free one, the next or null:
//                      slots lie at odd multiples of 8, so a word says by itself which it is
// Checked by: tests/gc/root_test.cpp
//
//   root<T>    one word that keeps an object alive: a local, a field, an element of a vector
//   handle<T>  `const root<T>&` in one word: the parameter type of functions
//   pin<T>     a root whose object does not move while it lives, so that its address may be kept
//   global<T>  root<T> by another name, for what is not on the stack
// A moving collection updates them all; what get() returned before it is stale after it.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/gc/marker.hpp"

namespace ashlar::gc {

template <class T>
class member;

namespace detail {

/// How many heaps are marking in steps.
inline constinit unsigned marking_heaps = 0;
/// And how many are that or generational: while there are some, stores into members tell.
inline constinit unsigned told_heaps = 0;
inline bool marking() noexcept {
    return __atomic_load_n(&marking_heaps, __ATOMIC_RELAXED) != 0;  // pairs with nothing: a heap's own thread sets it
}
inline bool told() noexcept {
    return __atomic_load_n(&told_heaps, __ATOMIC_RELAXED) != 0;  // pairs with nothing: a heap's own thread sets it
}
/// Marks the object if its heap is marking.
[[gnu::cold]] void shade(void* object) noexcept;
/// Stores, and tells the heap.
[[gnu::cold]] void store_told(reference& r, void* object) noexcept;
/// Tells the heap what a new member leads to.
[[gnu::cold]] void made_told(const reference& r) noexcept;
/// Of an object that a new reference leads to.
inline void noticed(void* object) noexcept {
    if (marking()) [[unlikely]] shade(object);
}

/// An element of a ring: of pins, of weak references.
struct root_node {
    void* object = nullptr;
    root_node* next = this;
    root_node* previous = this;

    root_node() noexcept = default;
    root_node(const root_node&) = delete;
    root_node& operator=(const root_node&) = delete;
    ~root_node() { leave(); }
    bool alone() const noexcept { return next == this; }
    void enter(root_node& before) noexcept {
        next = before.next;
        previous = &before;
        next->previous = this;
        before.next = this;
    }
    void leave() noexcept {
        previous->next = next;
        next->previous = previous;
        next = previous = this;
    }
};

struct root_slots;

struct root_slot {
    void* object;
    root_slots* owner;
};
/// Of every root without an object. Never written.
inline constexpr root_slot no_slot{nullptr, nullptr};

struct root_slots {
    root_slot* free = nullptr;

    /// @returns null where memory was refused
    [[gnu::always_inline]] root_slot* take(void* object) noexcept {
        root_slot* const s = free;
        if (s == nullptr) [[unlikely]] return take_slowly(object);
        free = static_cast<root_slot*>(s->object);
        s->object = object;
        return s;
    }
    void give(root_slot* s) noexcept {
        s->object = free;
        free = s;
    }
    root_slot* take_slowly(void* object) noexcept;
};

/// The slots of the heap that the object is in.
inline root_slots& slots_of(const void* object) noexcept { return *tile_of(object)->roots; }
inline root_slot* slot_for(void* object) {
    root_slot* const s = slots_of(object).take(object);
    if (s == nullptr) [[unlikely]] throw std::bad_alloc();
    return s;
}
root_node& pins_of(void* object) noexcept;

/// Objects are known by their first byte, so a base must begin where the derived object does.
template <class T, class U>
T* same_address(U* derived) noexcept {
    T* const base = derived;
    ASHLAR_PRE(static_cast<const void*>(base) == static_cast<const void*>(derived));
    return base;
}

}  // namespace detail

template <class T>
class root {
public:
    root() noexcept = default;
    root(std::nullptr_t) noexcept {}
    root(const root& other) : root(other.get()) {}
    root(root&& other) noexcept : slot_(std::exchange(other.slot_, none())) {}
    template <class U>
        requires std::convertible_to<U*, T*>
    root(const root<U>& other) : root(detail::same_address<T>(other.get())) {}
    template <class U>
        requires std::convertible_to<U*, T*>
    root(root<U>&& other) noexcept : slot_(std::exchange(other.slot_, none())) {
        static_cast<void>(detail::same_address<T>(static_cast<U*>(slot_->object)));
    }
    template <class U>
        requires std::convertible_to<U*, T*>
    root(const member<U>& other) : root(detail::same_address<T>(other.get())) {}
    /// @pre o is an object of a heap, or null: `this` of a member function, say
    explicit root(T* o) : slot_(o == nullptr ? none() : detail::slot_for(const_cast<std::remove_cv_t<T>*>(o))) {}
    ~root() { release(); }

    root& operator=(const root& other) { return set(other.slot_->object); }
    root& operator=(root&& other) noexcept {
        root(std::move(other)).swap(*this);
        return *this;
    }
    template <class U>
        requires std::convertible_to<U*, T*>
    root& operator=(const member<U>& other) { return set(detail::same_address<T>(other.get())); }
    root& operator=(std::nullptr_t) noexcept {
        if (slot_->owner != nullptr) slot_->object = nullptr;
        return *this;
    }

    T* get() const noexcept { return static_cast<T*>(slot_->object); }
    T& operator*() const noexcept {
        ASHLAR_PRE(slot_->object != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return slot_->object != nullptr; }
    template <class U>
    friend bool operator==(const root& a, const root<U>& b) noexcept { return a.get() == b.get(); }
    friend bool operator==(const root& a, std::nullptr_t) noexcept { return a.slot_->object == nullptr; }
    void swap(root& other) noexcept { std::swap(slot_, other.slot_); }

private:
    friend class heap;
    template <class>
    friend class root;
    template <class>
    friend class handle;
    explicit root(detail::root_slot* s) noexcept : slot_(s) {}

    static detail::root_slot* none() noexcept { return const_cast<detail::root_slot*>(&detail::no_slot); }
    void release() noexcept {
        if (slot_->owner != nullptr) slot_->owner->give(slot_);
    }
    root& set(void* o) {
        if (o == nullptr) return *this = nullptr;
        if (slot_->owner == &detail::slots_of(o)) {
            slot_->object = o;
            return *this;
        }
        detail::root_slot* const s = detail::slot_for(o);  // root.I1
        release();
        slot_ = s;
        return *this;
    }

    detail::root_slot* slot_ = none();
};

/// @pre the root that it was made from lives longer than it
template <class T>
class handle {
public:
    template <class U>
        requires std::convertible_to<U*, T*>
    handle(const root<U>& r) noexcept : slot_(r.slot_) {
        static_cast<void>(detail::same_address<T>(r.get()));
    }
    T* get() const noexcept { return static_cast<T*>(slot_->object); }
    T& operator*() const noexcept {
        ASHLAR_PRE(slot_->object != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return slot_->object != nullptr; }

private:
    const detail::root_slot* slot_;
};

/// @pre not null when made
template <class T>
class pin : detail::root_node {
public:
    explicit pin(handle<T> h) noexcept : pin(h.get()) {}
    pin(const pin& other) noexcept : pin(other.get()) {}
    pin& operator=(const pin&) = delete;
    T* get() const noexcept { return static_cast<T*>(object); }
    T& operator*() const noexcept { return *get(); }
    T* operator->() const noexcept { return get(); }

private:
    explicit pin(T* o) noexcept {
        object = o;
        enter(detail::pins_of(o));
    }
};

template <class T>
using global = root<T>;

}  // namespace ashlar::gc
