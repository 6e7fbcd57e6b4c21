// ashlar/gc/member.hpp - a reference from one collected object to another.
//
// Layer:      gc
// Picture:    member<T>  { address of the object, or null }   one word
// Complexity: reading is a load, storing is a store.
// Failure:    none.
// Threads:    those of the heap.
// Checked by: tests/gc/member_test.cpp
//
// It keeps nothing alive by itself: the object that it is in does, by naming it in `trace`. On the stack use root.hpp.
#pragma once

#include <concepts>
#include <cstddef>

#include "ashlar/gc/root.hpp"

namespace ashlar::gc {

template <class T>
class member : public detail::reference {
public:
    member() noexcept = default;
    member(std::nullptr_t) noexcept {}
    member(T* object) noexcept { target = object; }
    member(const member& other) noexcept : reference() { target = other.target; }
    template <std::convertible_to<T*> U>
    member(const member<std::remove_pointer_t<U>>& other) noexcept : member(static_cast<T*>(other.get())) {}
    template <class U>
        requires std::convertible_to<U*, T*>
    member(const root<U>& other) noexcept : member(detail::same_address<T>(other.get())) {}
    template <class U>
        requires std::convertible_to<U*, T*>
    member(handle<U> other) noexcept : member(detail::same_address<T>(other.get())) {}

    member& operator=(const member& other) noexcept { return store(other.target); }
    member& operator=(std::nullptr_t) noexcept { return store(nullptr); }
    member& operator=(T* object) noexcept { return store(object); }
    template <class U>
        requires std::convertible_to<U*, T*>
    member& operator=(const root<U>& other) noexcept { return store(detail::same_address<T>(other.get())); }

    /// @returns the object, as long as something keeps it reachable
    T* get() const noexcept { return static_cast<T*>(target); }
    T& operator*() const noexcept {
        ASHLAR_PRE(target != nullptr);
        return *get();
    }
    T* operator->() const noexcept { return &**this; }
    explicit operator bool() const noexcept { return target != nullptr; }

    friend bool operator==(const member& a, const member& b) noexcept { return a.target == b.target; }
    friend bool operator==(const member& a, const T* b) noexcept { return a.target == b; }

private:
    member& store(void* object) noexcept {
        target = object;
        return *this;
    }
};

}  // namespace ashlar::gc
