// ashlar/foundation/ref.hpp - the handle by which a component holds an allocator (or a page source).
//
// Layer:      foundation
// Picture:    ref<stateful>   { pointer }        ref<stateless>  { }   no bytes with [[no_unique_address]]
// Complexity: a pointer, or nothing.
// Failure:    none.
// Threads:    as what it refers to.
// Invariants: ref.I1  ref<T> is empty exactly when T is
// Checked by: tests/foundation/ref_test.cpp
//
// Allocators are neither copied nor moved: whoever builds on one holds a ref. Every object of an empty type
// is as good as any other, so a ref to one needs no address, and can be made from nothing.
#pragma once

#include <type_traits>

namespace ashlar {

/// Without state: one object serves for all.
template <class T>
concept stateless = std::is_empty_v<T> && std::is_trivially_default_constructible_v<T>;

/// Constant like a pointer: a const ref gives a T that may be changed.
template <class T>
class ref {
public:
    /// @pre target outlives the ref
    constexpr ref(T& target) noexcept : target_(__builtin_addressof(target)) {}

    constexpr T& operator*() const noexcept { return *target_; }
    constexpr T* operator->() const noexcept { return target_; }

private:
    T* target_;
};

template <stateless T>
class ref<T> {
public:
    constexpr ref() noexcept = default;
    constexpr ref(T&) noexcept {}

    constexpr T& operator*() const noexcept { return shared_; }
    constexpr T* operator->() const noexcept { return &shared_; }

private:
    static inline constinit T shared_{};
};

}  // namespace ashlar
