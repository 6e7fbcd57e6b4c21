// ashlar/async/framed_promise.hpp - the base of a promise whose coroutines have their frames from any allocator.
//
// Layer:      async
// Source:     ISO C++20 [dcl.fct.def.coroutine] 9.5.4; Lewis Baker, "C++ Coroutines: Understanding the promise type", 2018.
// Complexity: as thread_frames.hpp; with an allocator named, that one's operation and two words and a handle a frame.
// Failure:    by Refusal: std::bad_alloc from the call of the coroutine; or null, and then the promise's
//             get_return_object_on_allocation_failure answers the call.
// Threads:    a coroutine may be destroyed on any thread where its allocator may be used from any; the thread's cache may.
// Checked by: tests/async/framed_promise_test.cpp, tests/budgets/async.cpp
//
// A coroutine names its allocator in its first parameters: f(std::allocator_arg, a, ...), members and lambdas too. It is an
// allocator of ours (by reference), a pointer to a memory resource, or a std allocator (by value). Without one the frame
// comes from the thread: its cache, or the allocator of an ambient_frames. A compiler may leave the frame out altogether.
#pragma once

#include <memory>
#include <new>

#include "ashlar/async/thread_frames.hpp"

namespace ashlar {

// operator new is inlined by force: without optimisation g++ would warn of a mismatch with operator delete.
// operator delete is not: without optimisation clang keeps the local variables of what it inlines in the frame, which is then
// given back already.
enum class on_refusal { throws, returns_null };

namespace detail {
[[gnu::always_inline]] inline void* or_throw(void* frame) {
    if (frame == nullptr) [[unlikely]] throw std::bad_alloc();
    return frame;
}
template <class Allocate>
void* or_null(Allocate allocate) noexcept {
    try {
        return allocate();
    } catch (...) {  // a std allocator's way to refuse
        return nullptr;
    }
}
}  // namespace detail

template <on_refusal Refusal = on_refusal::throws>
struct framed_promise {
    [[gnu::always_inline]] static void* operator new(std::size_t size) { return detail::or_throw(allocate_frame(size)); }
    template <class A, class... Rest>
    [[gnu::always_inline]] static void* operator new(std::size_t size, std::allocator_arg_t, A& a, Rest&...) {
        return detail::or_throw(frame_from(a, size));
    }
    template <class Self, class A, class... Rest>
    [[gnu::always_inline]] static void* operator new(std::size_t size, Self&, std::allocator_arg_t, A& a, Rest&...) {
        return detail::or_throw(frame_from(a, size));
    }
    static void operator delete(void* frame, std::size_t size) noexcept { deallocate_frame(frame, size); }
};

// On its own: what such a promise's operator new promises not to throw, clang reads before it knows the template's arguments.
template <>
struct framed_promise<on_refusal::returns_null> {
    [[gnu::always_inline]] static void* operator new(std::size_t size) noexcept {
        return detail::or_null([size] { return allocate_frame(size); });
    }
    template <class A, class... Rest>
    [[gnu::always_inline]] static void* operator new(std::size_t size, std::allocator_arg_t, A& a, Rest&...) noexcept {
        return detail::or_null([&a, size] { return frame_from(a, size); });
    }
    template <class Self, class A, class... Rest>
    [[gnu::always_inline]] static void* operator new(std::size_t size, Self&, std::allocator_arg_t, A& a, Rest&...) noexcept {
        return detail::or_null([&a, size] { return frame_from(a, size); });
    }
    static void operator delete(void* frame, std::size_t size) noexcept { deallocate_frame(frame, size); }
};

}  // namespace ashlar
