// ashlar/async/frame_origin.hpp - who takes a coroutine's frame back: a word in front of every frame tells.
//
// Layer:      async
// Source:     ISO C++20 [dcl.fct.def.coroutine]: a frame's operator delete is told its size and nothing else.
// Picture:    [ origin |   ][ frame ... ]                       a frame of a cache: 16 bytes in front
//             [ take_back | allocator ][ origin |   ][ frame ]   one of an allocator: its handle or copy in front of that
// Complexity: one indirect call where the frame is not this thread's cache's own.
// Failure:    refuses with null where the allocator does.
// Threads:    as the allocator: a frame is given back by the thread that destroys it.
// Invariants: frame_origin.I1  a frame's header names an origin that lives at least as long as the frame
// Checked by: tests/async/frame_origin_test.cpp, tests/async/framed_promise_test.cpp
//
// An allocator is one of ours, held by reference; a pointer to what allocates as std::pmr::memory_resource does; or a std
// allocator, of which a copy stands before the frame.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "ashlar/foundation/alignment.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

struct frame_header;

/// Takes frames back.
struct frame_origin {
    void (*take_back)(frame_origin& self, frame_header& of, std::size_t size) noexcept;
};

/// In front of every frame.
struct alignas(16) frame_header {
    frame_origin* origin;

    void* frame() noexcept { return this + 1; }
    static frame_header& of(void* frame) noexcept { return static_cast<frame_header*>(frame)[-1]; }
};
static_assert(sizeof(frame_header) == 16);

/// What allocates like a memory resource, by pointer.
template <class M>
concept resource_pointer = std::is_pointer_v<M> && requires(M m, void* p, std::size_t n) {
    { m->allocate(n, n) } -> std::same_as<void*>;
    m->deallocate(p, n, n);
};

namespace detail {

struct alignas(16) frame_unit {
    std::byte bytes[16];
};

/// One of ours.
template <class A>
class frame_memory {
public:
    explicit frame_memory(A& a) noexcept : from_(a) {}
    void* take(std::size_t units) noexcept {
        const auto granted = from_->allocate(*layout::array<frame_unit>(units));
        return granted ? granted->data : nullptr;
    }
    void give(void* p, std::size_t units) noexcept {
        from_->deallocate(static_cast<std::byte*>(p), *layout::array<frame_unit>(units));
    }

private:
    [[no_unique_address]] ref<A> from_;
};

template <resource_pointer M>
class frame_memory<M> {
public:
    explicit frame_memory(M m) noexcept : from_(m) {}
    void* take(std::size_t units) { return from_->allocate(units * sizeof(frame_unit), alignof(frame_unit)); }
    void give(void* p, std::size_t units) noexcept { from_->deallocate(p, units * sizeof(frame_unit), alignof(frame_unit)); }

private:
    M from_;
};

template <class A>
    requires(!deallocator<A> && requires { typename A::value_type; })
class frame_memory<A> {
    using rebound = typename std::allocator_traits<A>::template rebind_alloc<frame_unit>;

public:
    explicit frame_memory(const A& a) noexcept : from_(a) {}
    void* take(std::size_t units) { return std::to_address(std::allocator_traits<rebound>::allocate(from_, units)); }
    void give(void* p, std::size_t units) noexcept {
        using pointer = typename std::allocator_traits<rebound>::pointer;
        auto& first = *static_cast<frame_unit*>(p);
        std::allocator_traits<rebound>::deallocate(from_, std::pointer_traits<pointer>::pointer_to(first), units);
    }

private:
    [[no_unique_address]] rebound from_;
};

template <class A>
struct frame_origin_of : frame_origin {
    frame_memory<A> memory;

    static constexpr std::size_t room = align_up(sizeof(frame_origin) + sizeof(frame_memory<A>), alignof(frame_unit));
    static constexpr std::size_t units(std::size_t size) noexcept {
        return (room + sizeof(frame_header) + size + sizeof(frame_unit) - 1) / sizeof(frame_unit);
    }
    static void end(frame_origin& self, frame_header&, std::size_t size) noexcept {
        auto& mine = static_cast<frame_origin_of&>(self);
        frame_memory<A> last(std::move(mine.memory));  // it stands in what it gives back
        mine.~frame_origin_of();
        last.give(&mine, units(size));
    }
};

}  // namespace detail

/// A frame of so many bytes from a. @returns null where a refuses @throws what a throws
template <class A>
void* frame_from(A& a, std::size_t size) {
    using origin = detail::frame_origin_of<std::remove_const_t<A>>;
    static_assert(sizeof(origin) <= origin::room && alignof(origin) <= alignof(detail::frame_unit));
    detail::frame_memory<std::remove_const_t<A>> memory(a);
    void* const granted = memory.take(origin::units(size));
    if (granted == nullptr) return nullptr;
    auto* const first = ::new (granted) origin{{&origin::end}, std::move(memory)};
    void* const place = static_cast<std::byte*>(granted) + origin::room;
    return (::new (place) frame_header{first})->frame();  // frame_origin.I1: it stands before the frame
}

}  // namespace ashlar
