// ashlar/ownership/arc.hpp - owners that share a value among threads.
//
// Layer:      ownership
// Source:     Rust's Arc<T, A> and Weak<T, A>.
// Picture:    arc<T> { T* } -> [ counts | T ]     one pointer, one allocation, 8 bytes in front of the value
// Complexity: a copy is one relaxed atomic addition, a drop one subtraction that releases.
// Failure:    make_arc refuses when the allocator does; a constructor's exception passes, the block given back.
// Threads:    handles of one value may be in any threads; one handle is for one thread at a time, as an int is.
// Checked by: tests/ownership/arc_test.cpp
//
// The allocator must be thread_safe, for the last handle may go in any thread; the type says so, or does not compile.
// One kind of count for all programs: it does not turn into a plain one while there is only one thread.
#pragma once

#include "ashlar/ownership/counted.hpp"

namespace ashlar {

template <class T, deallocator A>
    requires thread_safe<A>
using arc = counted<T, A, shared_counts<>>;
template <class T, deallocator A>
    requires thread_safe<A>
using weak_arc = counted_weak<T, A, shared_counts<>>;

/// As make_rc.
/// @pre a outlives every handle
/// @throws what a constructor throws; what was made before it is then destroyed and the block given back
template <class T, allocator A, class... Args>
    requires(thread_safe<A> && !payload<T>::unsized)
result<arc<T, A>> make_arc(A& a, Args&&... args) {
    return make_counted_value<T, shared_counts<>>(a, std::forward<Args>(args)...);
}
template <class T, allocator A, class... Args>
    requires(thread_safe<A> && payload<T>::unsized)
result<arc<T, A>> make_arc(A& a, std::size_t n, Args&&... args) {
    return make_counted_value<T, shared_counts<>>(a, n, std::forward<Args>(args)...);
}

}  // namespace ashlar
