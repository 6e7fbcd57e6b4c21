// ashlar/gc/root.hpp - what the program holds: root, handle, pin, global.
//
// Layer:      gc
// Source:     Rafkind et al., "Precise garbage collection for C", ISMM 2009 (roots registered where they live).
// Picture:    heap [ roots ] <-> root <-> root <-> root     a ring; each { object, next, previous }
// Complexity: to make or end a root is to enter or leave a ring: five stores, two. A handle is one word and registers nothing.
// Failure:    a global takes a word of memory from the heap and throws std::bad_alloc where it is refused.
// Threads:    those of the heap.
// Invariants: root.I1  a root that holds an object is in its heap's ring; an empty one may be in none, and is then its own
// Checked by: tests/gc/root_test.cpp
//
//   root<T>    owns a place in the ring for as long as it lives: a local, a field, an element of a vector
//   handle<T>  `const root<T>&` in one word: the parameter type of functions
//   pin<T>     a root whose object does not move while it lives, so that its address may be kept
//   global<T>  one word, for tables of many
// A moving collection updates them all; what get() returned before it is stale after it.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "ashlar/gc/marker.hpp"

namespace ashlar::gc {

template <class T>
class member;

namespace detail {

/// How many heaps are marking in steps: while there are some, stores into members tell.
inline constinit unsigned marking_heaps = 0;
inline bool marking() noexcept {
    return __atomic_load_n(&marking_heaps, __ATOMIC_RELAXED) != 0;  // pairs with nothing: a heap's own thread sets it
}
/// Marks the object if its heap is marking.
void shade(void* object) noexcept;

struct root_node {
    void* object = nullptr;
    root_node* next = this;
    root_node* previous = this;

    root_node() noexcept = default;
    root_node(void* o, root_node& before) noexcept : object(o), next(before.next), previous(&before) {
        next->previous = this;
        before.next = this;
    }
    root_node(const root_node&) = delete;
    root_node& operator=(const root_node&) = delete;
    ~root_node() {
        previous->next = next;
        next->previous = previous;
    }
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

root_node& roots_of(void* object) noexcept;  ///< the ring of the heap that the object is in
root_node& pins_of(void* object) noexcept;
root_node* new_global(void* object);  ///< @throws std::bad_alloc
void end_global(root_node* g) noexcept;

/// Objects are known by their first byte, so a base must begin where the derived object does.
template <class T, class U>
T* same_address(U* derived) noexcept {
    T* const base = derived;
    ASHLAR_PRE(static_cast<const void*>(base) == static_cast<const void*>(derived));
    return base;
}

}  // namespace detail

template <class T>
class root : detail::root_node {
public:
    root() noexcept = default;
    root(std::nullptr_t) noexcept {}
    root(const root& other) noexcept : root_node() { set(other.object); }
    root(root&& other) noexcept : root_node() { set(std::exchange(other.object, nullptr)); }
    template <class U>
        requires std::convertible_to<U*, T*>
    root(const root<U>& other) noexcept { set(detail::same_address<T>(other.get())); }
    template <class U>
        requires std::convertible_to<U*, T*>
    root(const member<U>& other) noexcept { set(detail::same_address<T>(other.get())); }
    /// @pre o is an object of a heap, or null: `this` of a member function, say
    explicit root(T* o) noexcept { set(o); }

    root& operator=(const root& other) noexcept { return set(other.object); }
    root& operator=(root&& other) noexcept {
        if (this != &other) set(std::exchange(other.object, nullptr));
        return *this;
    }
    template <class U>
        requires std::convertible_to<U*, T*>
    root& operator=(const member<U>& other) noexcept { return set(detail::same_address<T>(other.get())); }
    root& operator=(std::nullptr_t) noexcept { return set(nullptr); }

    T* get() const noexcept { return static_cast<T*>(object); }
    T& operator*() const noexcept {
        ASHLAR_PRE(object != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return object != nullptr; }
    template <class U>
    friend bool operator==(const root& a, const root<U>& b) noexcept { return a.get() == b.get(); }
    friend bool operator==(const root& a, std::nullptr_t) noexcept { return a.object == nullptr; }
    void swap(root& other) noexcept {
        void* const mine = object;
        set(other.object);
        other.set(mine);
    }

private:
    friend class heap;
    template <class>
    friend class handle;
    root(void* o, detail::root_node& ring) noexcept : root_node(o, ring) {}

    root& set(void* o) noexcept {
        // A ring is of one heap: an object of another goes with a change of rings (root.I1).
        if (o != nullptr && (alone() || object == nullptr || detail::tile_of(o)->owner != detail::tile_of(object)->owner)) {
            leave();
            enter(detail::roots_of(o));
        }
        object = o;
        return *this;
    }
};

/// @pre the root that it was made from lives longer than it
template <class T>
class handle {
public:
    template <class U>
        requires std::convertible_to<U*, T*>
    handle(const root<U>& r) noexcept : node_(&r) {
        static_cast<void>(detail::same_address<T>(r.get()));
    }
    T* get() const noexcept { return static_cast<T*>(node_->object); }
    T& operator*() const noexcept {
        ASHLAR_PRE(node_->object != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return node_->object != nullptr; }

private:
    const detail::root_node* node_;
};

/// @pre not null when made
template <class T>
class pin : detail::root_node {
public:
    explicit pin(handle<T> h) noexcept : root_node(h.get(), detail::pins_of(h.get())) {}
    pin(const pin& other) noexcept : root_node(other.object, detail::pins_of(other.object)) {}
    pin& operator=(const pin&) = delete;
    T* get() const noexcept { return static_cast<T*>(object); }
    T& operator*() const noexcept { return *get(); }
    T* operator->() const noexcept { return get(); }
};

template <class T>
class global {
public:
    global() noexcept = default;
    global(handle<T> h) : node_(h ? detail::new_global(h.get()) : nullptr) {}
    global(const root<T>& r) : global(handle<T>(r)) {}
    global(global&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    global& operator=(global other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~global() {
        if (node_ != nullptr) detail::end_global(node_);
    }
    T* get() const noexcept { return node_ == nullptr ? nullptr : static_cast<T*>(node_->object); }
    T& operator*() const noexcept {
        ASHLAR_PRE(node_ != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return node_ != nullptr; }

private:
    detail::root_node* node_ = nullptr;
};

}  // namespace ashlar::gc
