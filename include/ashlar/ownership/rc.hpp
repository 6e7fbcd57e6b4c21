// ashlar/ownership/rc.hpp - owners that share a value within one thread.
//
// Layer:      ownership
// Source:     Rust's Rc<T, A> and Weak<T, A>.
// Picture:    rc<T> { T* } -> [ counts | T ]     one pointer, one allocation, 8 bytes in front of the value
// Complexity: a copy adds one to a word; no atomic operation.
// Failure:    make_rc refuses when the allocator does; a constructor's exception passes, the block given back.
// Threads:    one at a time for all handles of a value; across threads it is arc's work.
// Checked by: tests/ownership/rc_test.cpp
//
// rc<T[]> owns an array, rc<with_tail<H, E>> a head and n elements; both remember n in 8 bytes more, as does an
// allocator with state (its address) and a T with a virtual destructor (its layout). See counted.hpp.
#pragma once

#include "ashlar/ownership/counted.hpp"

namespace ashlar {

template <class T, deallocator A>
using rc = counted<T, A, local_counts>;
template <class T, deallocator A>
using weak_rc = counted_weak<T, A, local_counts>;

/// make_rc<T>(a, args...), make_rc<T[]>(a, n, args for each...), make_rc<with_tail<H, E>>(a, n, args for the head...).
/// @pre a outlives every handle
/// @throws what a constructor throws; what was made before it is then destroyed and the block given back
template <class T, allocator A, class... Args>
    requires(!payload<T>::unsized)
result<rc<T, A>> make_rc(A& a, Args&&... args) {
    return make_counted_value<T, local_counts>(a, std::forward<Args>(args)...);
}
template <class T, allocator A, class... Args>
    requires(payload<T>::unsized)
result<rc<T, A>> make_rc(A& a, std::size_t n, Args&&... args) {
    return make_counted_value<T, local_counts>(a, n, std::forward<Args>(args)...);
}

}  // namespace ashlar
