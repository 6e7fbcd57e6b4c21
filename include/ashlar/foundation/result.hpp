// ashlar/foundation/result.hpp - a value, or the refusal to give one.
//
// Layer:      foundation
// Source:     ISO C++23 [expected] (the spelling); Rust's NonNull (the niche).
// Picture:    result<block>  { data, size }   data == null means refused: 16 bytes, two registers
// Complexity: no space beyond T; every operation O(1).
// Failure:    reading the value of a refusal breaks a precondition.
// Threads:    a plain value.
// Invariants: result.I1  sizeof(result<T>) == sizeof(T), and result<T> is trivially copyable when T is
// Checked by: tests/foundation/result_test.cpp, tests/foundation/result_registers_test.cpp
//
// Not std::expected: that is C++23, and std::expected<block, alloc_error> is 24 bytes, returned through
// memory. T tells, by a `niche`, which of its values no success ever has.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/block.hpp"
#include "ashlar/foundation/contract.hpp"

namespace ashlar {

/// Memory allocation failed. It has one value on purpose: a caller can only go without, or try elsewhere.
struct alloc_error {
    constexpr const char* message() const noexcept { return "Memory allocation failed"; }
    friend constexpr bool operator==(const alloc_error&, const alloc_error&) = default;
};

/// The value of T that means refusal: `refused()` makes it, `is_refused(t)` recognises it.
template <class T>
struct niche;

template <class T>
struct niche<T*> {
    static constexpr T* refused() noexcept { return nullptr; }
    static constexpr bool is_refused(const T* value) noexcept { return value == nullptr; }
};

template <>
struct niche<block> {
    static constexpr block refused() noexcept { return {nullptr, 0}; }
    static constexpr bool is_refused(const block& value) noexcept { return value.data == nullptr; }
};

template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = alloc_error;

    // Inlined always: at its limits for long functions g++ would call these for every allocation of a loop, which
    // then takes half as long again.
    /// @pre value is not the niche of T
    [[gnu::always_inline]] constexpr result(T value) noexcept : value_(static_cast<T&&>(value)) { ASHLAR_PRE(has_value()); }
    [[gnu::always_inline]] constexpr result(alloc_error) noexcept : value_(niche<T>::refused()) {}

    [[gnu::always_inline]] constexpr bool has_value() const noexcept { return !niche<T>::is_refused(value_); }
    [[gnu::always_inline]] constexpr explicit operator bool() const noexcept { return has_value(); }

    /// @pre has_value()
    constexpr const T& operator*() const& noexcept {
        ASHLAR_PRE(has_value());
        return value_;
    }
    /// What is moved out of (an owner) leaves the result without a value.
    constexpr T&& operator*() && noexcept {
        ASHLAR_PRE(has_value());
        return static_cast<T&&>(value_);
    }
    constexpr const T* operator->() const noexcept { return &**this; }
    constexpr const T& value() const& noexcept { return **this; }
    constexpr T&& value() && noexcept { return *static_cast<result&&>(*this); }
    constexpr T value_or(const T& other) const noexcept { return has_value() ? value_ : other; }

    /// @pre !has_value()
    constexpr alloc_error error() const noexcept {
        ASHLAR_PRE(!has_value());
        return {};
    }

    /// @returns f(value), itself a result; the refusal is handed on
    template <class F>
    constexpr auto and_then(F&& f) const -> std::invoke_result_t<F, const T&> {
        if (!has_value()) return alloc_error{};
        return std::forward<F>(f)(value_);
    }
    /// @returns a result of f(value); the refusal is handed on
    template <class F>
    constexpr auto transform(F&& f) const -> result<std::invoke_result_t<F, const T&>> {
        if (!has_value()) return alloc_error{};
        return std::forward<F>(f)(value_);
    }
    /// @returns this value, or f() where it was refused
    template <class F>
    constexpr result or_else(F&& f) const {
        return has_value() ? *this : result(std::forward<F>(f)());
    }

    friend constexpr bool operator==(const result& a, const result& b) noexcept
        requires std::equality_comparable<T>
    {
        return a.has_value() == b.has_value() && (!a.has_value() || a.value_ == b.value_);
    }

private:
    T value_;
};

/// A reference, or the refusal to give one: a pointer that cannot be forgotten to be looked at.
template <class T>
class [[nodiscard]] result<T&> {
public:
    using value_type = T&;
    using error_type = alloc_error;

    constexpr result(T& target) noexcept : target_(__builtin_addressof(target)) {}
    constexpr result(alloc_error) noexcept : target_(nullptr) {}

    constexpr bool has_value() const noexcept { return target_ != nullptr; }
    constexpr explicit operator bool() const noexcept { return has_value(); }

    /// @pre has_value()
    constexpr T& operator*() const noexcept {
        ASHLAR_PRE(has_value());
        return *target_;
    }
    constexpr T* operator->() const noexcept { return &**this; }
    constexpr T& value() const noexcept { return **this; }
    /// @pre !has_value()
    constexpr alloc_error error() const noexcept {
        ASHLAR_PRE(!has_value());
        return {};
    }

private:
    T* target_;
};

static_assert(sizeof(result<block>) == 16 && std::is_trivially_copyable_v<result<block>>);  // result.I1

}  // namespace ashlar
