// ashlar/async/frame_cache.hpp - ended coroutine frames, kept by size for the next; a thread has one, others give frames back to it.
//
// Layer:      async
// Source:     Bonwick, "The Slab Allocator", USENIX 1994 (a free list per size); Leijen, Zorn, de Moura, "Mimalloc: Free List
//             Sharding in Action", APLAS 2019 (a list of its own for what other threads give back); Treiber, "Systems
//             Programming: Coping with Parallelism", IBM RJ 5118, 1986.
// Picture:    64 B:  nearest [ ]  first -> [ 4093 | ] -> [ 4094 | ] -> bottom 4095     each tells how many may be kept above it
//             128 B: nearest      first -> bottom                ...                4,160 B
//             returned by others -> [ ] -> [ ]    looked at when a class has nothing
// Complexity: allocate and deallocate O(1), for frames up to 4 KiB 14 instructions together where the nearest serves
//             (tests/budgets/async.cpp), at most 24 where the list does;
//             16 bytes a frame and rounding to 64. What no class has, and larger frames, cost the upstream's operation.
// Failure:    null where the upstream refuses.
// Threads:    allocate, deallocate, trim: the thread that has it. take_back: any, one compare-and-swap.
// Invariants: frame_cache.I1  class c keeps ended frames of c * 64 bytes with their headers, all of this cache
//             frame_cache.I2  a frame in a list tells in its first bytes how many more may be kept above it
//             frame_cache.I3  after close nothing is kept: what is given back then goes to the upstream at once
// Checked by: tests/async/frame_cache_test.cpp, tests/async/thread_frames_test.cpp, tests/budgets/async.cpp
//
// Why the nearest stands apart, and the count in the frames: the processor forwards what was just stored to the load that reads
// it, but takes some nine cycles to. A count beside the list would be read and written by every operation, each waiting for
// the one before. And of a list alone the pointer to a frame goes through memory three times between its end and its next use
// (first, next, first), of the nearest once: two frames in turn took longer than what they execute (./dev bench async).
#pragma once

#include "ashlar/async/frame_origin.hpp"
#include "ashlar/foundation/atomics.hpp"
#include "ashlar/foundation/poison.hpp"
#include "ashlar/strategy/system.hpp"

namespace ashlar {

template <allocator A = system, class P = std_atomics>
    requires thread_safe<A>
class frame_cache : public frame_origin {
public:
    static constexpr std::size_t step = 64;
    static constexpr std::size_t largest = 4096;            ///< the frame; its header comes to it
    static constexpr std::size_t kept_bytes = 256 << 10;    ///< of each class, in frames that have ended

    constexpr explicit frame_cache(ref<A> upstream) noexcept : frame_origin{&take_from_other}, upstream_(upstream) { begin(); }
    constexpr frame_cache() noexcept
        requires stateless<A>
        : frame_origin{&take_from_other} {
        begin();
    }
    /// Which never keeps anything: any thread may use it.
    struct keeping_nothing {};
    constexpr explicit frame_cache(keeping_nothing) noexcept
        requires stateless<A>
        : frame_origin{&take_from_other}, returned_{closed} {}
    frame_cache(const frame_cache&) = delete;
    frame_cache& operator=(const frame_cache&) = delete;
    /// @pre no frame of it lives, and no thread gives one back
    ~frame_cache() { close(); }

    /// A frame of so many bytes at a multiple of 16; null where the upstream refuses.
    [[gnu::always_inline]] void* allocate(std::size_t size) noexcept {
        if (size > largest) [[unlikely]] return allocate_slowly(size);
        if (void* const p = take(size)) [[likely]] return p;
        return allocate_slowly(size);
    }
    /// A kept frame, or null.
    [[gnu::always_inline]] void* take(std::size_t size) noexcept {
        kept& k = classes_[class_of(size)];
        const std::uintptr_t nearest = k.nearest;
        if (nearest % 2 == 0) [[likely]] {
            k.nearest = nobody;
            return given(reinterpret_cast<void*>(nearest), size);
        }
        ended_frame* const first = k.first;
        ended_frame* const after = first->next;
        if (after == nullptr) [[unlikely]] return nullptr;  // first is the bottom
        k.first = after;
        return given(first, size);
    }
    /// @returns false where it is not this cache's, or there is no room: then nothing has changed
    [[gnu::always_inline]] bool keep(void* frame, std::size_t size) noexcept {
        if (frame_header::of(frame).origin != this || size > largest) [[unlikely]] return false;
        kept& k = classes_[class_of(size)];
        if (k.nearest == nobody) [[likely]] {
            k.nearest = reinterpret_cast<std::uintptr_t>(frame);
        } else {
            ended_frame* const first = k.first;
            std::size_t room = first->room;
            if (room-- == 0) [[unlikely]] return false;
            k.first = ::new (frame) ended_frame{first, room};  // frame_cache.I1, frame_cache.I2
        }
        poison(static_cast<ended_frame*>(frame) + 1, size > sizeof(ended_frame) ? size - sizeof(ended_frame) : 0);
        return true;
    }
    /// @pre the frame came from allocate of this cache, with that size
    [[gnu::always_inline]] void deallocate(void* frame, std::size_t size) noexcept {
        if (!keep(frame, size)) [[unlikely]] give(frame_header::of(frame), size);
    }

    /// What other threads gave back comes into the lists, then a frame from there or from the upstream.
    [[gnu::noinline]] void* allocate_slowly(std::size_t size) noexcept {
        if (size <= largest) {
            collect();
            if (void* const p = take(size)) return p;
        }
        const auto l = layout_of(size);
        const auto granted = l ? upstream_->allocate(*l) : alloc_error{};
        if (!granted) return nullptr;
        return (::new (granted->data) frame_header{this})->frame();
    }
    /// Gives what is kept to the upstream.
    void trim() noexcept {
        collect();
        for (std::size_t c = 1; c <= last; ++c) give_class(c);
    }
    /// Keeps nothing any more, and takes frames back from any thread still.
    void close() noexcept {
        for (std::size_t c = 1; c <= last; ++c) {
            give_class(c);
            classes_[c].nearest = closed;
            classes_[c].bottom.room = 0;
        }
        empty(returned_.exchange(closed, memory_order_acquire));  // pairs with the release in take_from_other: the frames' last bytes
    }
    /// As at first, after close. @pre one thread has it
    void open() noexcept {
        returned_.store(nobody, memory_order_relaxed);  // frame_cache.I3 ends: who still saw it closed gave to the upstream
        begin();
    }
    /// Bytes kept in the lists, headers counted; without what other threads gave back since an allocation last looked.
    std::size_t idle_bytes() const noexcept {
        std::size_t sum = 0;
        for (std::size_t c = 1; c <= last; ++c) {
            if (classes_[c].nearest % 2 == 0) sum += c * step;
            for (const ended_frame* f = classes_[c].first; f->next != nullptr; f = f->next) sum += c * step;
        }
        return sum;
    }

    frame_cache* next = nullptr;  ///< for whoever keeps caches in a list

private:
    static constexpr std::size_t last = (largest + sizeof(frame_header) + step - 1) / step;
    static constexpr std::uintptr_t nobody = 1, closed = 3;  // of nearest and returned_, where they are no frame
    /// In the first bytes of a frame that has ended.
    struct ended_frame {
        ended_frame* next;
        std::size_t room;  // of a kept one, how many more may be kept above it; of one that another thread gave back, its size
    };
    struct kept {
        std::uintptr_t nearest = closed;
        ended_frame* first = &bottom;
        ended_frame bottom{nullptr, 0};  // of the list
    };

    static constexpr std::size_t class_of(std::size_t size) noexcept { return (size + sizeof(frame_header) + step - 1) / step; }
    static result<layout> layout_of(std::size_t size) noexcept {
        if (size <= largest) return layout::make(class_of(size) * step, alignof(frame_header));
        if (size > layout::max_size - sizeof(frame_header)) return alloc_error{};
        return layout::make(size + sizeof(frame_header), alignof(frame_header));
    }
    constexpr void begin() noexcept {
        for (std::size_t c = 1; c <= last; ++c) {
            classes_[c].nearest = nobody;
            classes_[c].bottom.room = kept_bytes / (c * step) - 1;
        }
    }
    static void* given(void* frame, std::size_t size) noexcept {
        if (frame == nullptr) __builtin_unreachable();  // so that nobody compares it again
        unpoison(frame, size);
        return frame;
    }
    void give(frame_header& h, std::size_t size) noexcept {
        upstream_->deallocate(reinterpret_cast<std::byte*>(&h), *layout_of(size));
    }
    void give_class(std::size_t c) noexcept {
        const std::size_t size = c * step - sizeof(frame_header);
        while (void* const frame = take(size)) give(frame_header::of(frame), size);
    }
    /// Another thread's operator delete, or this one's when the frame found no room.
    static void take_from_other(frame_origin& self, frame_header& h, std::size_t size) noexcept {
        auto& mine = static_cast<frame_cache&>(self);
        if (size > largest) return mine.give(h, size);
        auto* const ended = ::new (h.frame()) ended_frame{nullptr, size};
        std::uintptr_t head = mine.returned_.load(memory_order_relaxed);
        do {
            if (head == closed) return mine.give(h, size);  // frame_cache.I3
            ended->next = reinterpret_cast<ended_frame*>(head);
        } while (!mine.returned_.compare_exchange_weak(head, reinterpret_cast<std::uintptr_t>(ended), memory_order_release,
                                                       memory_order_relaxed));  // pairs with the acquire in collect and close
    }
    void collect() noexcept {
        if (returned_.load(memory_order_relaxed) % 2 != 0) return;
        empty(returned_.exchange(nobody, memory_order_acquire));  // pairs with the release in take_from_other
    }
    void empty(std::uintptr_t head) noexcept {
        while (head % 2 == 0) {
            auto* const ended = reinterpret_cast<ended_frame*>(head);
            head = reinterpret_cast<std::uintptr_t>(ended->next);
            deallocate(ended, ended->room);
        }
    }

    kept classes_[last + 1];
    [[no_unique_address]] ref<A> upstream_;
    typename P::template atomic<std::uintptr_t> returned_{nobody};
};

}  // namespace ashlar
