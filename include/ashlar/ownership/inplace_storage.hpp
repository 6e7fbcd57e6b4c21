// ashlar/ownership/inplace_storage.hpp - room for N objects, with or without objects in it.
//
// Layer:      ownership
// Source:     WG21 P0843 (inplace_vector is constexpr for trivial element types only, and why).
// Picture:    plain T: [ T T T ]     else: [ bytes aligned for T ]
// Complexity: N times sizeof(T).
// Failure:    none.
// Threads:    a plain value.
// Checked by: tests/ownership/inplace_storage_test.cpp
//
// An array of plain objects works in constant expressions; bytes, in which the objects of other types are made one by
// one, do not. Either copies bytewise when T does.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace ashlar {

/// Has no constructor or destructor that would have to run.
template <class T>
concept plain_element = std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T> &&
                        std::is_trivially_destructible_v<T> && !std::is_const_v<T>;

template <class T, std::size_t N>
class inplace_storage {
public:
    T* data() noexcept { return reinterpret_cast<T*>(bytes_); }
    const T* data() const noexcept { return reinterpret_cast<const T*>(bytes_); }
    template <class... Args>
    T& make(std::size_t i, Args&&... args) {
        return *::new (static_cast<void*>(data() + i)) T(std::forward<Args>(args)...);
    }

private:
    alignas(T) std::byte bytes_[N == 0 ? 1 : N * sizeof(T)];
};

template <plain_element T, std::size_t N>
class inplace_storage<T, N> {
public:
    constexpr inplace_storage() noexcept {
        // Elsewhere the objects stay without a value until they are made.
        if (std::is_constant_evaluated()) {
            for (T& each : objects_) each = T();
        }
    }
    constexpr T* data() noexcept { return objects_; }
    constexpr const T* data() const noexcept { return objects_; }
    template <class... Args>
    constexpr T& make(std::size_t i, Args&&... args) {
        return objects_[i] = T(std::forward<Args>(args)...);
    }

private:
    T objects_[N == 0 ? 1 : N];
};

}  // namespace ashlar
