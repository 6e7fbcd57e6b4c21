// ashlar/ownership/unfinished.hpp - what is undone when a constructor throws half way.
//
// Layer:      ownership
// Complexity: O(1); elements are destroyed one by one, the last first.
// Failure:    an exception passes through; the block is given back and what was made is destroyed.
// Threads:    one at a time.
// Invariants: unfinished.I1  exactly the first `made` elements are alive
// Checked by: tests/ownership/unfinished_test.cpp
//
// Guards and not catch blocks: the headers also build without exceptions.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "ashlar/foundation/allocator.hpp"

namespace ashlar {

/// A block on its way to an owner. It goes back to its allocator unless it is kept.
template <deallocator A>
class unfinished_block {
public:
    /// @pre p is a live block of a that l fits
    unfinished_block(A& a, std::byte* p, layout l) noexcept : allocator_(a), data_(p), layout_(l) {}
    unfinished_block(const unfinished_block&) = delete;
    unfinished_block& operator=(const unfinished_block&) = delete;
    ~unfinished_block() {
        if (data_ != nullptr) allocator_.deallocate(data_, layout_);
    }
    void keep() noexcept { data_ = nullptr; }

private:
    A& allocator_;
    std::byte* data_;
    layout layout_;
};

/// Elements that are made one after the other. They are destroyed, the last first, unless they are kept.
template <class T>
class unfinished_elements {
public:
    /// @pre there is room for every element that will be added, aligned for T
    explicit unfinished_elements(void* room) noexcept : first_(static_cast<T*>(room)) {}
    unfinished_elements(const unfinished_elements&) = delete;
    unfinished_elements& operator=(const unfinished_elements&) = delete;
    ~unfinished_elements() { destroy_elements(first_, made_); }

    template <class... Args>
    void add(Args&&... args) {
        ::new (static_cast<void*>(first_ + made_)) T(std::forward<Args>(args)...);
        ++made_;  // only now: unfinished.I1
    }
    /// Adds until there are n, each made from the same arguments.
    template <class... Args>
    void fill(std::size_t n, const Args&... args) {
        while (made_ != n) add(args...);
    }
    T* keep() noexcept {
        made_ = 0;
        return first_;
    }

    static void destroy_elements(T* first, std::size_t n) noexcept {
        while (n != 0) first[--n].~T();
    }

private:
    T* first_;
    std::size_t made_ = 0;
};

}  // namespace ashlar
