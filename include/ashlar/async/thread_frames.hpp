// ashlar/async/thread_frames.hpp - where this thread's coroutine frames come from: its cache, or what a scope names.
//
// Layer:      async
// Picture:    own_frames -> this thread's frame_cache        coroutines of this thread, created and destroyed
//             own_frames -> no_frames, which has nothing     before the first frame, within an ambient_frames, after the end
// Complexity: one read relative to the thread pointer more than the cache's operation.
// Failure:    null where the source refuses.
// Threads:    each has its own. A cache outlives its thread, for frames that do; the next thread takes it over.
// Invariants: thread_frames.I1  own_frames is &no_frames, or the cache of this thread and of no other
// Checked by: tests/async/thread_frames_test.cpp, tests/budgets/async.cpp
#pragma once

#include <mutex>

#include "ashlar/async/frame_cache.hpp"

namespace ashlar {

class ambient_source;

namespace detail {

inline constinit frame_cache<> no_frames{frame_cache<>::keeping_nothing{}};  // of all threads at once
// Initial-exec: one load, and no call that could allocate. constinit: no guard.
[[gnu::tls_model("initial-exec")]] inline thread_local constinit frame_cache<>* own_frames = &no_frames;
/// The thread's state besides: looked at on slow paths only.
struct frames_of_thread {
    frame_cache<>* mine = nullptr;
    ambient_source* ambient = nullptr;
    bool ended = false;
};
inline thread_local constinit frames_of_thread frames_state;

/// Caches whose threads have ended, for threads to come. None is ever destroyed: a frame may outlive every thread's end.
class ended_caches {
public:
    frame_cache<>* take() noexcept {
        const std::lock_guard held(lock_);
        frame_cache<>* const c = first_;
        if (c != nullptr) first_ = c->next;
        return c;
    }
    void put(frame_cache<>& c) noexcept {
        const std::lock_guard held(lock_);
        c.next = first_;
        first_ = &c;
    }

private:
    std::mutex lock_;
    frame_cache<>* first_ = nullptr;
};
inline constinit ended_caches spare_caches;

struct end_of_frames {
    ~end_of_frames() {
        frames_of_thread& state = frames_state;
        state.ended = true;  // coroutines of later destructors go without
        own_frames = &no_frames;
        state.mine->close();
        spare_caches.put(*state.mine);
        state.mine = nullptr;
    }
};

/// A cache for this thread; null where none can be had.
inline frame_cache<>* attach_frames() noexcept {
    frames_of_thread& state = frames_state;
    if (state.mine != nullptr || state.ended) return state.mine;
    if (frame_cache<>* const spare = spare_caches.take()) {
        spare->open();
        state.mine = spare;
    } else {
        const auto room = system::allocate(layout::of<frame_cache<>>());
        if (!room) return nullptr;
        state.mine = ::new (room->data) frame_cache<>;
    }
    static thread_local end_of_frames when_it_ends;
    static_cast<void>(&when_it_ends);
    return state.mine;
}

}  // namespace detail

/// What ambient_frames puts in the place of the thread's cache.
class ambient_source {
public:
    void* allocate(std::size_t size) { return allocate_(*this, size); }

protected:
    explicit ambient_source(void* (*how)(ambient_source&, std::size_t)) noexcept : allocate_(how) {}

private:
    void* (*allocate_)(ambient_source&, std::size_t);
};

/// While it lives, this thread's coroutines that name no allocator have their frames from one: scopes end innermost first.
/// Frames may outlive the scope, but not the allocator.
template <class A>
class ambient_frames : ambient_source {
public:
    explicit ambient_frames(A& a) noexcept
        : ambient_source([](ambient_source& s, std::size_t size) { return frame_from(static_cast<ambient_frames&>(s).from_, size); }),
          from_(a), outer_(detail::frames_state.ambient) {
        detail::frames_state.ambient = this;
        detail::own_frames = &detail::no_frames;  // thread_frames.I1
    }
    ambient_frames(const ambient_frames&) = delete;
    ambient_frames& operator=(const ambient_frames&) = delete;
    ~ambient_frames() {
        ASHLAR_PRE(detail::frames_state.ambient == this);
        detail::frames_state.ambient = outer_;
        if (outer_ == nullptr && detail::frames_state.mine != nullptr) detail::own_frames = detail::frames_state.mine;
    }

private:
    A& from_;
    ambient_source* const outer_;
};

/// The slow halves.
[[gnu::noinline]] inline void* allocate_frame_slowly(std::size_t size) {
    auto& state = detail::frames_state;
    if (state.ambient != nullptr) return state.ambient->allocate(size);
    frame_cache<>* const mine = detail::attach_frames();
    if (mine == nullptr) return detail::no_frames.allocate_slowly(size);  // from its upstream, and back there
    detail::own_frames = mine;
    return mine->allocate(size);
}
[[gnu::noinline]] inline void deallocate_frame_slowly(frame_header& h, std::size_t size) noexcept {
    frame_cache<>* const mine = detail::frames_state.mine;
    if (mine != nullptr && h.origin == mine) return mine->deallocate(h.frame(), size);
    h.origin->take_back(*h.origin, h, size);
}

/// A frame of this thread's source; null where that refuses.
[[gnu::always_inline]] inline void* allocate_frame(std::size_t size) {
    if (size <= frame_cache<>::largest) [[likely]] {
        if (void* const p = detail::own_frames->take(size)) [[likely]] return p;
    }
    return allocate_frame_slowly(size);
}
/// Of any thread and any source. @pre the frame has that size
inline void deallocate_frame(void* frame, std::size_t size) noexcept {
    if (!detail::own_frames->keep(frame, size)) [[unlikely]] deallocate_frame_slowly(frame_header::of(frame), size);
}

/// Gives back what this thread's cache keeps.
inline void trim_frames() noexcept {
    if (detail::frames_state.mine != nullptr) detail::frames_state.mine->trim();
}

}  // namespace ashlar
