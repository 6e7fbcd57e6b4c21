// ashlar/ownership/box.hpp - the one owner of a value, over any allocator.
//
// Layer:      ownership
// Source:     Rust's Box<T, A>; ISO C++20 [unique.ptr].
// Picture:    box<T>     { T* } -> [ T ]            and the allocator's address where A has state and wants blocks back
//             box<open>  { T* } -> [ layout | T ]   T has a virtual destructor: the layout stands in front of the object
//             box<T[]>   { T*, n } -> [ T T T ]
// Complexity: one allocation; moving copies a pointer. 8 bytes in front of a T with a virtual destructor, unless A
//             may be left without deallocate.
// Failure:    make_box refuses when the allocator does; a constructor's exception passes, the block given back.
// Threads:    as T and A.
// Invariants: box.I1  an owning box's block was granted by its allocator and goes back to it once, by its own layout
//             box.I2  the object of an open type follows the value_layout of the whole object
// Checked by: tests/ownership/box_test.cpp
//
// A box of a derived class becomes a box of a base with a virtual destructor, wherever in the object the base lies.
// A moved-from box is empty. Boxes that hold boxes are destroyed by recursion; a long chain is for rc.
#pragma once

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/ownership/allocator_link.hpp"
#include "ashlar/ownership/unfinished.hpp"
#include "ashlar/ownership/value_layout.hpp"

namespace ashlar {

/// Where the layout of a value of this type has to be written down beside it.
template <class T, class A>
concept written_down = open_type<T> && !optional_deallocate<A>;

/// A box<U> may become a box<T>: qualified, or a base that destroys the whole object.
template <class U, class T>
concept boxable_as = !std::same_as<U, T> && std::is_convertible_v<U*, T*> &&
                     (std::same_as<std::remove_cv_t<U>, std::remove_cv_t<T>> || open_type<T>);

template <class T, deallocator A>
class box {
public:
    using element_type = T;

    constexpr box() noexcept = default;
    constexpr box(std::nullptr_t) noexcept {}
    box(box&& other) noexcept : value_(std::exchange(other.value_, nullptr)), link_(other.link_) {}
    template <class U>
        requires boxable_as<U, T>
    box(box<U, A>&& other) noexcept : value_(std::exchange(other.value_, nullptr)), link_(other.link_) {}
    box& operator=(box&& other) noexcept {
        box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~box() { reset(); }

    /// Takes up again what into_raw let go. @pre p came from into_raw of a box of T over a
    static box from_raw(A& a, T* p) noexcept { return box(p, allocator_link<A>(a)); }
    /// Lets go without destroying. @returns null if the box is empty
    T* into_raw() noexcept { return std::exchange(value_, nullptr); }
    /// Destroys the value and gives the block back. @post empty
    void reset() noexcept {
        // Emptied first: the destructor may come back here.
        if (T* const p = std::exchange(value_, nullptr)) end(p);  // box.I1: once
    }
    void swap(box& other) noexcept {
        std::swap(value_, other.value_);
        std::swap(link_, other.link_);
    }
    friend void swap(box& a, box& b) noexcept { a.swap(b); }

    /// @pre not empty
    T& operator*() const noexcept {
        ASHLAR_PRE(value_ != nullptr);
        return *value_;
    }
    /// @pre not empty
    T* operator->() const noexcept { return &**this; }
    T* get() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ != nullptr; }
    friend bool operator==(const box& b, std::nullptr_t) noexcept { return b.value_ == nullptr; }

private:
    template <class, deallocator>
    friend class box;

    box(T* p, allocator_link<A> link) noexcept : value_(p), link_(link) {}

    void end(T* p) const noexcept {
        if constexpr (written_down<T, A>) {
            // A base may lie anywhere in the object; the table of its virtual functions knows where the whole begins.
            void* const whole = const_cast<void*>(dynamic_cast<const volatile void*>(p));
            const layout own = (static_cast<value_layout*>(whole) - 1)->unpacked();  // box.I2
            p->~T();
            const auto where = *layout::of<value_layout>().extend(own);
            link_.deallocate(static_cast<std::byte*>(whole) - where.offset, where.whole);
        } else {
            p->~T();
            link_.deallocate(reinterpret_cast<std::byte*>(const_cast<std::remove_cv_t<T>*>(p)), layout::of<T>());
        }
    }

    T* value_ = nullptr;
    [[no_unique_address]] allocator_link<A> link_;
};

/// Owns n elements. Of none it owns nothing, and is then like an empty box.
template <class T, deallocator A>
class box<T[], A> {
public:
    using element_type = T;

    constexpr box() noexcept = default;
    box(box&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)), size_(std::exchange(other.size_, 0)), link_(other.link_) {}
    box& operator=(box&& other) noexcept {
        box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~box() { reset(); }

    /// @pre p came from into_raw of a box of n T over a
    static box from_raw(A& a, T* p, std::size_t n) noexcept { return box(p, n, allocator_link<A>(a)); }
    /// Lets go without destroying; size() is to be asked before.
    T* into_raw() noexcept {
        size_ = 0;
        return std::exchange(first_, nullptr);
    }
    /// Destroys the elements, the last first, and gives the block back. @post empty
    void reset() noexcept {
        T* const first = std::exchange(first_, nullptr);
        const std::size_t n = std::exchange(size_, 0);
        if (first == nullptr) return;
        unfinished_elements<T>::destroy_elements(first, n);
        link_.deallocate(reinterpret_cast<std::byte*>(const_cast<std::remove_cv_t<T>*>(first)), *layout::array<T>(n));
    }
    void swap(box& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(size_, other.size_);
        std::swap(link_, other.link_);
    }
    friend void swap(box& a, box& b) noexcept { a.swap(b); }

    /// @pre i < size()
    T& operator[](std::size_t i) const noexcept {
        ASHLAR_PRE(i < size_);
        return first_[i];
    }
    std::size_t size() const noexcept { return size_; }
    T* get() const noexcept { return first_; }
    T* begin() const noexcept { return first_; }
    T* end() const noexcept { return first_ + size_; }
    explicit operator bool() const noexcept { return first_ != nullptr; }

private:
    friend struct niche<box>;
    box(T* first, std::size_t n, allocator_link<A> link) noexcept : first_(first), size_(n), link_(link) {}

    T* first_ = nullptr;
    std::size_t size_ = 0;
    [[no_unique_address]] allocator_link<A> link_;
};

template <class T, deallocator A>
struct niche<box<T, A>> {
    static constexpr box<T, A> refused() noexcept { return {}; }
    static bool is_refused(const box<T, A>& b) noexcept { return !b; }
};
/// A box of no elements is a success; no box has elements and no block.
template <class T, deallocator A>
struct niche<box<T[], A>> {
    static box<T[], A> refused() noexcept {
        box<T[], A> none;
        none.size_ = 1;
        return none;
    }
    static bool is_refused(const box<T[], A>& b) noexcept { return b.first_ == nullptr && b.size_ != 0; }
};

/// A box of a T made from the arguments. @pre a outlives the box
/// @throws what the constructor throws; the block is then given back
template <class T, allocator A, class... Args>
    requires(!std::is_array_v<T>)
result<box<T, A>> make_box(A& a, Args&&... args) {
    constexpr auto where = layout::of<value_layout>().extend(layout::of<T>());
    constexpr layout whole = written_down<T, A> ? where->whole : layout::of<T>();
    constexpr std::size_t offset = written_down<T, A> ? where->offset : 0;
    const auto granted = a.allocate(whole);
    if (!granted) return alloc_error{};
    unfinished_block<A> block_of_it(a, granted->data, whole);
    std::byte* const place = granted->data + offset;
    if constexpr (offset != 0) ::new (static_cast<void*>(place - sizeof(value_layout))) value_layout(layout::of<T>());
    T* const made = ::new (static_cast<void*>(place)) T(std::forward<Args>(args)...);
    block_of_it.keep();
    return box<T, A>::from_raw(a, made);
}

/// A box of n elements, each made from the same arguments (none: value-initialised).
/// @throws what a constructor throws; the elements before are then destroyed and the block given back
template <class T, allocator A, class... Args>
    requires std::is_unbounded_array_v<T>
result<box<T, A>> make_box(A& a, std::size_t n, const Args&... args) {
    using element = std::remove_extent_t<T>;
    if (n == 0) return box<T, A>();
    const auto shape = layout::array<element>(n);
    if (!shape) return alloc_error{};
    const auto granted = a.allocate(*shape);
    if (!granted) return alloc_error{};
    unfinished_block<A> block_of_it(a, granted->data, *shape);
    unfinished_elements<element> elements(granted->data);
    elements.fill(n, args...);
    block_of_it.keep();
    return box<T, A>::from_raw(a, elements.keep(), n);
}

}  // namespace ashlar
