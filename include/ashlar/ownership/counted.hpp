// ashlar/ownership/counted.hpp - the handles of rc and arc, which differ only in how they count.
//
// Layer:      ownership
// Source:     Rust's Rc, Arc and Weak; Boost's intrusive_ptr (one pointer, the count beside the value).
// Picture:    counted { T* }   counted_weak { T* }     both to the value; the counts are just in front of it
// Complexity: copying and dropping O(1); the last drop O(what is destroyed), without recursion.
// Failure:    make_counted and make_mut refuse when the allocator does.
// Threads:    handles are plain values; two of them in two threads need shared_counts, and a T that can bear it.
// Invariants: counted.I1  a handle that is not empty is counted once in its block
// Checked by: tests/ownership/counted_test.cpp, tests/ownership/rc_test.cpp, tests/ownership/arc_test.cpp
//
// A handle of a derived class becomes one of a base that has a virtual destructor and begins where the object does;
// any other base would need a second word. Values that refer to each other in a ring by strong handles are never
// destroyed: one link of the ring is to be weak.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "ashlar/ownership/counted_block.hpp"

namespace ashlar {

template <class U, class T>
concept sized_pair = !payload<U>::unsized && !payload<T>::unsized && !std::same_as<U, T> && std::is_convertible_v<U*, T*>;

/// A handle of a U may become one of a T: qualified, or a base that destroys the whole and begins where it does.
template <class U, class T>
concept counted_as = sized_pair<U, T> && (std::same_as<std::remove_cv_t<U>, std::remove_cv_t<T>> ||
                                          (open_type<T> && begins_with<std::remove_cv_t<U>, std::remove_cv_t<T>>()));

template <class T, deallocator A, class Counts>
class counted_weak;

template <class T, deallocator A, class Counts>
class counted {
    using block_type = counted_block<T, A, Counts>;

public:
    using element_type = typename payload<T>::object;

    constexpr counted() noexcept = default;
    constexpr counted(std::nullptr_t) noexcept {}
    counted(const counted& other) noexcept : value_(other.value_) {
        if (value_ != nullptr) block_type::counts(value_).add_strong();
    }
    counted(counted&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
    template <class U>
        requires counted_as<U, T>
    counted(counted<U, A, Counts> other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
    counted& operator=(const counted& other) noexcept {
        counted(other).swap(*this);
        return *this;
    }
    counted& operator=(counted&& other) noexcept {
        counted(std::move(other)).swap(*this);
        return *this;
    }
    ~counted() { reset(); }

    /// @post empty; if this was the last handle, the value is or will be destroyed (counted_block.I3)
    void reset() noexcept {
        element_type* const p = std::exchange(value_, nullptr);
        // counted.I1: from here on it is not counted
        if (p != nullptr && block_type::counts(p).drop_strong()) block_type::release(p);
    }
    void swap(counted& other) noexcept { std::swap(value_, other.value_); }
    friend void swap(counted& a, counted& b) noexcept { a.swap(b); }

    /// @pre not empty
    element_type& operator*() const noexcept {
        ASHLAR_PRE(value_ != nullptr);
        return *value_;
    }
    /// @pre not empty
    element_type* operator->() const noexcept { return &**this; }
    element_type* get() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ != nullptr; }
    /// Whether both refer to the same value, or to none.
    friend bool operator==(const counted& a, const counted& b) noexcept { return a.value_ == b.value_; }

    /// The number of elements: those of an array, or of the tail. @pre not empty
    std::size_t size() const noexcept
        requires payload<T>::unsized
    {
        ASHLAR_PRE(value_ != nullptr);
        return block_type::number(value_);
    }
    /// @pre i < size()
    element_type& operator[](std::size_t i) const noexcept
        requires std::is_unbounded_array_v<T>
    {
        ASHLAR_PRE(i < size());
        return value_[i];
    }
    element_type* begin() const noexcept
        requires std::is_unbounded_array_v<T>
    {
        return value_;
    }
    element_type* end() const noexcept
        requires std::is_unbounded_array_v<T>
    {
        return value_ + size();
    }
    /// What follows the head. @pre not empty
    auto tail() const noexcept
        requires requires(element_type* p) { payload<T>::tail(p); }
    {
        return elements(payload<T>::tail(value_), size());
    }

    std::uint32_t strong_count() const noexcept { return value_ == nullptr ? 0 : block_type::counts(value_).strong(); }
    std::uint32_t weak_count() const noexcept { return value_ == nullptr ? 0 : block_type::counts(value_).weak(); }
    /// No other handle of either kind refers to the value.
    bool unique() const noexcept { return value_ != nullptr && block_type::counts(value_).unique(); }
    /// @returns the value if no other handle can see it change, else null
    element_type* get_mut() const noexcept { return unique() ? value_ : nullptr; }
    /// The value, after copying it away from the other handles if there are any. @pre not empty
    result<element_type&> make_mut(A& a)
        requires(!payload<T>::unsized && !open_type<T> && std::is_copy_constructible_v<T>);

private:
    template <class, deallocator, class>
    friend class counted;
    template <class, deallocator, class>
    friend class counted_weak;
    template <class U, class C, allocator B, class Construct>
    friend result<counted<U, B, C>> make_counted(B& a, std::size_t n, const Construct& construct);

    explicit counted(element_type* p) noexcept : value_(p) {}

    element_type* value_ = nullptr;
};

/// Sees whether the value is still there; keeps its memory, not its value.
template <class T, deallocator A, class Counts>
class counted_weak {
    using block_type = counted_block<T, A, Counts>;
    using element_type = typename payload<T>::object;

public:
    constexpr counted_weak() noexcept = default;
    counted_weak(const counted<T, A, Counts>& strong) noexcept : value_(counted_up(strong.value_)) {}
    /// The copy of a weak handle whose value is gone is empty (counts.I3).
    counted_weak(const counted_weak& other) noexcept : value_(counted_up(other.value_)) {}
    counted_weak(counted_weak&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
    template <class U>
        requires counted_as<U, T>
    counted_weak(const counted<U, A, Counts>& strong) noexcept : counted_weak(counted<T, A, Counts>(strong)) {}
    counted_weak& operator=(const counted_weak& other) noexcept {
        counted_weak(other).swap(*this);
        return *this;
    }
    counted_weak& operator=(counted_weak&& other) noexcept {
        counted_weak(std::move(other)).swap(*this);
        return *this;
    }
    ~counted_weak() { reset(); }

    void reset() noexcept {
        if (element_type* const p = std::exchange(value_, nullptr)) block_type::drop_weak(p);
    }
    void swap(counted_weak& other) noexcept { std::swap(value_, other.value_); }
    friend void swap(counted_weak& a, counted_weak& b) noexcept { a.swap(b); }

    /// @returns a handle to the value, empty if it is gone
    counted<T, A, Counts> upgrade() const noexcept {
        const bool alive = value_ != nullptr && block_type::counts(value_).add_strong_if_alive();
        return counted<T, A, Counts>(alive ? value_ : nullptr);
    }
    bool expired() const noexcept { return value_ == nullptr || block_type::counts(value_).strong() == 0; }

private:
    static element_type* counted_up(element_type* p) noexcept {
        return p != nullptr && block_type::counts(p).add_weak_if_alive() ? p : nullptr;
    }

    element_type* value_ = nullptr;
};

template <class T, deallocator A, class Counts>
struct niche<counted<T, A, Counts>> {
    static constexpr counted<T, A, Counts> refused() noexcept { return {}; }
    static bool is_refused(const counted<T, A, Counts>& c) noexcept { return !c; }
};

/// The one way in: `construct(place)` makes the value, and the result is its first handle.
template <class T, class Counts, allocator A, class Construct>
result<counted<T, A, Counts>> make_counted(A& a, std::size_t n, const Construct& construct) {
    auto* const made = counted_block<T, A, Counts>::make(a, n, construct);
    if (made == nullptr) return alloc_error{};
    return counted<T, A, Counts>(made);
}

template <class T, class Counts, allocator A, class... Args>
    requires(!payload<T>::unsized && !std::is_array_v<T>)
result<counted<T, A, Counts>> make_counted_value(A& a, Args&&... args) {
    return make_counted<T, Counts>(
        a, 1, [&](void* place) { return ::new (place) T(std::forward<Args>(args)...); });
}

/// n elements, each made from the same arguments (none: value-initialised).
template <class T, class Counts, allocator A, class... Args>
    requires std::is_unbounded_array_v<T>
result<counted<T, A, Counts>> make_counted_value(A& a, std::size_t n, const Args&... args) {
    return make_counted<T, Counts>(a, n, [&](void* place) {
        unfinished_elements<std::remove_extent_t<T>> made(place);
        made.fill(n, args...);
        return made.keep();
    });
}

/// A head made from the arguments, then n value-initialised elements.
template <class T, class Counts, allocator A, class... Args>
    requires requires(typename payload<T>::object* p) { payload<T>::tail(p); }
result<counted<T, A, Counts>> make_counted_value(A& a, std::size_t n, Args&&... args) {
    using head = typename payload<T>::object;
    return make_counted<T, Counts>(a, n, [&](void* place) {
        unfinished_elements<head> made(place);
        made.add(std::forward<Args>(args)...);
        unfinished_elements<std::remove_reference_t<decltype(*payload<T>::tail(nullptr))>> rest(
            payload<T>::tail(static_cast<head*>(place)));
        rest.fill(n);
        static_cast<void>(rest.keep());
        return made.keep();
    });
}

template <class T, deallocator A, class Counts>
auto counted<T, A, Counts>::make_mut(A& a) -> result<element_type&>
    requires(!payload<T>::unsized && !open_type<T> && std::is_copy_constructible_v<T>)
{
    if (!unique()) {
        auto copy = make_counted_value<T, Counts>(a, **this);
        if (!copy) return alloc_error{};
        *this = *std::move(copy);
    }
    return *value_;
}

}  // namespace ashlar
