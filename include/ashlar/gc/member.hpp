// ashlar/gc/member.hpp - a reference from one collected object to another.
//
// Layer:      gc
// Source:     Yuasa, "Real-time garbage collection on general-purpose machines", JSS 11(3), 1990 (what is overwritten is
//             marked); Dijkstra et al., "On-the-fly garbage collection", CACM 21(11), 1978 (so is what is stored).
// Picture:    member<T>  { address of the object, or null }   one word
// Complexity: reading is a load; storing is a store, and a branch that is taken only while a heap marks in
//             steps or is generational.
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
    static constexpr bool gc_relocatable = true;

    member() noexcept = default;
    member(std::nullptr_t) noexcept {}
    member(T* object) noexcept : reference{object} { made(); }
    member(const member& other) noexcept : reference{other.target} { made(); }
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

    /// @returns the object, until the next collection that moves
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
        if (detail::told()) [[unlikely]] detail::store_told(*this, object);
        else target = object;
        return *this;
    }
    void made() const noexcept {
        if (detail::told()) [[unlikely]] detail::made_told(*this);
    }
};

}  // namespace ashlar::gc
