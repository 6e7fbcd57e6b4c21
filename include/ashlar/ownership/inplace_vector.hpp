// ashlar/ownership/inplace_vector.hpp - a vector of at most N elements, inside the object.
//
// Layer:      ownership
// Source:     WG21 P0843, inplace_vector (C++26); Rust's heapless::Vec.
// Picture:    [ size | T T T . . . ]     capacity N
// Complexity: as std::vector without its allocations; trivially copyable when T is, and then constexpr too for plain T.
// Failure:    what does not fit is refused (try_...), and then nothing has changed.
// Threads:    a plain value.
// Invariants: inplace_vector.I1  exactly the first size elements are alive, and size <= N
// Checked by: tests/ownership/inplace_vector_test.cpp
//
// A constructor or assignment of T that throws leaves every element alive or destroyed, never lost: what was being added
// is destroyed again; a vector that was being assigned to keeps the elements that were made.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/result.hpp"
#include "ashlar/ownership/inplace_storage.hpp"

namespace ashlar {

template <class T, std::size_t N>
class inplace_vector {
    using size_word = std::conditional_t<N <= 0xff, std::uint8_t, std::conditional_t<N <= 0xffff, std::uint16_t, std::size_t>>;
    static constexpr bool copies_bytewise = std::is_trivially_copyable_v<T>;

public:
    using value_type = T;

    constexpr inplace_vector() noexcept = default;
    /// @pre values.size() <= N
    constexpr inplace_vector(std::initializer_list<T> values) {
        ASHLAR_PRE(values.size() <= N);
        append(values.begin(), values.size());
    }
    inplace_vector(const inplace_vector&) requires copies_bytewise = default;
    constexpr inplace_vector(const inplace_vector& other) requires(!copies_bytewise)
    {
        append(other.data(), other.size());
    }
    inplace_vector(inplace_vector&&) requires copies_bytewise = default;
    /// The elements of the other are moved from, and stay.
    constexpr inplace_vector(inplace_vector&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
        requires(!copies_bytewise)
    {
        take(other);
    }
    inplace_vector& operator=(const inplace_vector&) requires copies_bytewise = default;
    constexpr inplace_vector& operator=(const inplace_vector& other) requires(!copies_bytewise)
    {
        if (this != &other) {
            clear();
            append(other.data(), other.size());
        }
        return *this;
    }
    inplace_vector& operator=(inplace_vector&&) requires copies_bytewise = default;
    constexpr inplace_vector& operator=(inplace_vector&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
        requires(!copies_bytewise)
    {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }
    ~inplace_vector() requires std::is_trivially_destructible_v<T> = default;
    constexpr ~inplace_vector() { clear(); }

    /// @throws what T's constructor throws; nothing has then changed
    template <class... Args>
    constexpr result<T&> try_emplace_back(Args&&... args) {
        if (size_ == N) return alloc_error{};
        return unchecked_emplace_back(std::forward<Args>(args)...);
    }
    constexpr result<T&> try_push_back(const T& value) { return try_emplace_back(value); }
    constexpr result<T&> try_push_back(T&& value) { return try_emplace_back(std::move(value)); }
    /// @pre size() < N
    template <class... Args>
    constexpr T& unchecked_emplace_back(Args&&... args) {
        ASHLAR_PRE(size_ < N);
        T& made = storage_.make(size_, std::forward<Args>(args)...);
        ++size_;  // only now: inplace_vector.I1
        return made;
    }
    constexpr T& unchecked_push_back(const T& value) { return unchecked_emplace_back(value); }
    constexpr T& unchecked_push_back(T&& value) { return unchecked_emplace_back(std::move(value)); }
    /// Copies of n elements, all or none.
    constexpr result<inplace_vector&> try_append(const T* first, std::size_t n) {
        if (n > room()) return alloc_error{};
        append(first, n);
        return *this;
    }
    /// Before position at. @pre at <= size()
    template <class... Args>
    constexpr result<T&> try_emplace(std::size_t at, Args&&... args) {
        ASHLAR_PRE(at <= size_);
        if (!try_emplace_back(std::forward<Args>(args)...)) return alloc_error{};
        for (std::size_t i = size_ - std::size_t{1}; i > at; --i) std::swap(data()[i], data()[i - 1]);
        return data()[at];
    }
    /// n elements long; what is new is value-initialised.
    constexpr result<inplace_vector&> try_resize(std::size_t n) {
        if (n > N) return alloc_error{};
        truncate(n);
        unfinished added(*this);
        while (size_ < n) unchecked_emplace_back();
        added.keep();
        return *this;
    }

    /// Keeps the first n elements, or all there are.
    constexpr void truncate(std::size_t n) noexcept {
        while (size_ > n) pop_back();
    }
    constexpr void clear() noexcept { truncate(0); }
    /// @pre not empty
    constexpr void pop_back() noexcept {
        ASHLAR_PRE(size_ != 0);
        --size_;
        if constexpr (!std::is_trivially_destructible_v<T>) data()[size_].~T();
    }
    /// Takes out n elements; those behind move up. @pre at + n <= size()
    constexpr void erase(std::size_t at, std::size_t n = 1) {
        ASHLAR_PRE(at <= size_ && n <= size_ - at);
        for (std::size_t i = at + n; i != size_; ++i) data()[i - n] = std::move(data()[i]);
        truncate(size_ - n);
    }

    /// @pre i < size()
    constexpr T& operator[](std::size_t i) noexcept {
        ASHLAR_PRE(i < size_);
        return data()[i];
    }
    constexpr const T& operator[](std::size_t i) const noexcept {
        ASHLAR_PRE(i < size_);
        return data()[i];
    }
    constexpr T& back() noexcept { return (*this)[size_ - std::size_t{1}]; }
    constexpr const T& back() const noexcept { return (*this)[size_ - std::size_t{1}]; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    static constexpr std::size_t capacity() noexcept { return N; }
    constexpr std::size_t room() const noexcept { return N - size_; }
    constexpr T* data() noexcept { return storage_.data(); }
    constexpr const T* data() const noexcept { return storage_.data(); }
    constexpr T* begin() noexcept { return data(); }
    constexpr T* end() noexcept { return data() + size_; }
    constexpr const T* begin() const noexcept { return data(); }
    constexpr const T* end() const noexcept { return data() + size_; }

    friend constexpr bool operator==(const inplace_vector& a, const inplace_vector& b) {
        if (a.size_ != b.size_) return false;
        for (std::size_t i = 0; i != a.size_; ++i) {
            if (!(a[i] == b[i])) return false;
        }
        return true;
    }
    friend constexpr auto operator<=>(const inplace_vector& a, const inplace_vector& b)
        requires requires(const T& x) { x <=> x; }
    {
        using order = decltype(a[0] <=> b[0]);
        for (std::size_t i = 0; i != a.size_ && i != b.size_; ++i) {
            if (const order one = a[i] <=> b[i]; one != 0) return one;
        }
        return order(a.size_ <=> b.size_);
    }

private:
    /// Takes the elements out again that were added since, unless they are kept.
    class unfinished {
    public:
        constexpr explicit unfinished(inplace_vector& v) noexcept : vector_(v), size_(v.size_) {}
        constexpr ~unfinished() { vector_.truncate(size_); }
        constexpr void keep() noexcept { size_ = N; }

    private:
        inplace_vector& vector_;
        std::size_t size_;
    };

    constexpr void append(const T* first, std::size_t n) {
        unfinished added(*this);
        for (std::size_t i = 0; i != n; ++i) unchecked_emplace_back(first[i]);
        added.keep();
    }
    constexpr void take(inplace_vector& other) {
        unfinished added(*this);
        for (T& each : other) unchecked_emplace_back(std::move(each));
        added.keep();
    }

    inplace_storage<T, N> storage_;
    size_word size_ = 0;
};

}  // namespace ashlar

template <class T, std::size_t N>
struct std::hash<ashlar::inplace_vector<T, N>> {
    std::size_t operator()(const ashlar::inplace_vector<T, N>& v) const {
        std::size_t mixed = v.size();
        // Each step multiplies by an odd number near 2^64 / golden ratio, so that the order of elements counts.
        for (const T& each : v) mixed = (mixed ^ std::hash<T>()(each)) * 0x9e3779b97f4a7c15u;
        return mixed;
    }
};
