// ashlar/ownership/with_tail.hpp - a head with as many elements behind it as is said when it is made.
//
// Layer:      ownership
// Source:     C's flexible array member; Rust's dynamically sized types.
// Picture:    [ counts | head | tail tail tail ]     rc<with_tail<Head, Element>> is one pointer, to the head
// Complexity: one allocation for both; the number of elements is written down in front of the counts.
// Failure:    none of its own.
// Threads:    as Head and Element.
// Checked by: tests/ownership/with_tail_test.cpp
#pragma once

#include <cstddef>

#include "ashlar/foundation/layout.hpp"
#include "ashlar/ownership/unfinished.hpp"

namespace ashlar {

/// Never an object: the name of a shape, as T[] is.
template <class Head, class Element>
class with_tail;

/// Elements that stand side by side; looks, does not own.
template <class T>
class elements {
public:
    constexpr elements(T* first, std::size_t n) noexcept : first_(first), size_(n) {}
    /// @pre i < size()
    constexpr T& operator[](std::size_t i) const noexcept {
        ASHLAR_PRE(i < size_);
        return first_[i];
    }
    constexpr T* begin() const noexcept { return first_; }
    constexpr T* end() const noexcept { return first_ + size_; }
    constexpr T* data() const noexcept { return first_; }
    constexpr std::size_t size() const noexcept { return size_; }

private:
    T* first_;
    std::size_t size_;
};

/// How a T lies in a block: `object` is what a handle points to, `unsized` that a number of elements belongs to it.
template <class T>
struct payload {
    using object = T;
    static constexpr bool unsized = false;
    static constexpr result<layout> shape(std::size_t) noexcept { return layout::of<T>(); }
    static void destroy(T* p, std::size_t) noexcept { p->~T(); }
};

template <class T>
struct payload<T[]> {
    using object = T;
    static constexpr bool unsized = true;
    static constexpr result<layout> shape(std::size_t n) noexcept { return layout::array<T>(n); }
    static void destroy(T* p, std::size_t n) noexcept { unfinished_elements<T>::destroy_elements(p, n); }
};

template <class Head, class Element>
struct payload<with_tail<Head, Element>> {
    using object = Head;
    static constexpr bool unsized = true;
    static constexpr result<layout> shape(std::size_t n) noexcept {
        const auto tail_layout = layout::array<Element>(n);
        if (!tail_layout) return alloc_error{};
        const auto both = layout::of<Head>().extend(*tail_layout);
        if (!both) return alloc_error{};
        return both->whole;
    }
    static Element* tail(Head* p) noexcept {
        return reinterpret_cast<Element*>(reinterpret_cast<std::byte*>(p) + align_up(sizeof(Head), alignof(Element)));
    }
    static void destroy(Head* p, std::size_t n) noexcept {
        unfinished_elements<Element>::destroy_elements(tail(p), n);
        p->~Head();
    }
};

}  // namespace ashlar
