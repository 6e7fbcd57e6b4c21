// ashlar/compose/thread_cached.hpp - every thread keeps freed blocks of its own; only the upstream is shared.
//
// Layer:      compose
// Source:     Bonwick and Adams, "Magazines and Vmem", USENIX 2001 (the layer of each processor, here of each thread).
// Picture:    thread 1 { number of allocator -> record, ... }     thread 2 { ... }    a small table each
//             allocator { number, records -> [ cache ] -> [ cache ] }                 in the upstream's memory
// Complexity: O(1) and without a lock where the thread keeps a block; else the upstream's operation.
// Failure:    where the upstream refuses, this thread's cache goes back and it is asked once more; then refuses. Where it
//             refuses the record (about a KiB: a pool of small blocks does), the thread keeps nothing.
// Threads:    any number; a block may come back on any thread, and stays in that one's cache. The allocator is destroyed
//             when no thread is inside it; threads that used it may live on.
// Invariants: thread_cached.I1  a record is touched by its own thread only, until its thread or its allocator ends
//             thread_cached.I2  a number is never used twice, so a thread's entry of an allocator that is gone is never
//                               found; whether one is gone is told by the list of those that live, under the lock
// Checked by: tests/compose/thread_cached_test.cpp, tests/compose/thread_cached_threads_test.cpp
//
// A thread keeps blocks for 16 allocators at once; of more, the one it began to use first loses its cache. Reset is not
// forwarded: it could not reach the caches of threads that run.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include "ashlar/compose/cached_operations.hpp"

namespace ashlar {

namespace detail {

/// What a thread keeps for one allocator, as far as the lists need to know it.
struct thread_record {
    thread_record* next = nullptr;  // the allocator's next one
};

/// An allocator that keeps blocks for threads: in the list of those that live, under the lock.
struct thread_cache_owner {
    std::uint64_t number = 0;
    void (*end)(thread_cache_owner&, thread_record&) noexcept = nullptr;  // gives blocks and record to the upstream
    thread_record* records = nullptr;
    thread_cache_owner* next = nullptr;
};

/// Guards the list of owners and their lists of records. Taken when a thread first uses an allocator or gives its cache
/// up, when a thread ends and when an allocator begins and ends.
class registry {
public:
    registry() noexcept {
        while (taken.test_and_set(std::memory_order_acquire)) taken.wait(true, std::memory_order_relaxed);
    }
    ~registry() {
        taken.clear(std::memory_order_release);  // pairs with the acquire of whoever takes it next
        taken.notify_one();
    }
    registry(const registry&) = delete;
    registry& operator=(const registry&) = delete;

    void enter(thread_cache_owner& o) noexcept {
        o.number = ++last_number;  // thread_cached.I2
        o.next = owners;
        owners = &o;
    }
    void leave(thread_cache_owner& o) noexcept { unlink(owners, o); }
    /// @returns the owner of that number; null if it has ended
    thread_cache_owner* find(std::uint64_t number) const noexcept {
        thread_cache_owner* o = owners;
        while (o != nullptr && o->number != number) o = o->next;
        return o;
    }
    template <class T>
    static void unlink(T*& first, T& gone) noexcept {
        T** at = &first;
        while (*at != &gone) at = &(*at)->next;
        *at = gone.next;
    }

private:
    static inline constinit std::atomic_flag taken;
    static inline constinit thread_cache_owner* owners = nullptr;
    static inline constinit std::uint64_t last_number = 0;
};

/// A thread's records by their allocators' numbers. Plain, so that it can be read after the thread's destructors have run.
struct thread_table {
    static constexpr std::size_t places = 16;
    struct entry {
        std::uint64_t number;  // 0: none
        thread_record* record;
    };
    entry entries[places];
    std::size_t oldest;
    bool closed;  // no record is made: the thread ends, or one is being given up

    thread_record* find(std::uint64_t number) const noexcept {
        const entry& likely = entries[number % places];
        if (likely.number == number) return likely.record;
        for (const entry& e : entries) {
            if (e.number == number) return e.record;
        }
        return nullptr;
    }
    void forget(std::uint64_t number) noexcept {
        for (entry& e : entries) {
            if (e.number == number) e = {0, nullptr};
        }
    }
    /// Gives up what the entry stands for, if its allocator still lives.
    void drop(entry& e, const registry& held) noexcept {
        thread_cache_owner* const owner = e.number == 0 ? nullptr : held.find(e.number);
        if (owner != nullptr) {
            registry::unlink(owner->records, *e.record);
            owner->end(*owner, *e.record);
        }
        e = {0, nullptr};
    }
    void enter(thread_cache_owner& owner, thread_record& r) noexcept {
        const registry held;
        r.next = owner.records;
        owner.records = &r;
        vacant(owner.number, held) = {owner.number, &r};
    }

private:
    entry& vacant(std::uint64_t number, const registry& held) noexcept {
        if (entry& likely = entries[number % places]; held.find(likely.number) == nullptr) return likely;
        for (entry& e : entries) {
            if (held.find(e.number) == nullptr) return e;
        }
        entry& given_up = entries[oldest++ % places];
        closed = true;  // its upstream may be such an allocator too: it must not come here for the lock
        drop(given_up, held);
        closed = false;
        return given_up;
    }
};
inline thread_local constinit thread_table my_caches{};

/// Gives the thread's caches up when the thread ends.
struct thread_end {
    ~thread_end() {
        my_caches.closed = true;
        const registry held;  // no allocator ends meanwhile
        for (thread_table::entry& e : my_caches.entries) my_caches.drop(e, held);
    }
};
inline void give_up_at_end() noexcept {
    static thread_local thread_end when_it_ends;
    static_cast<void>(&when_it_ends);
}

}  // namespace detail

/// Keeps up to Depth blocks of each size class up to Largest bytes for each thread.
template <allocator A, std::size_t Depth = 32, std::size_t Largest = 1024>
    requires thread_safe<A>
class thread_cached : public cached_operations<thread_cached<A, Depth, Largest>, A, Depth, Largest>,
                      detail::thread_cache_owner {
    using operations = cached_operations<thread_cached, A, Depth, Largest>;
    friend operations;

public:
    static constexpr bool is_thread_safe = true;

    explicit thread_cached(ref<A> upstream) noexcept : operations(upstream) { begin(); }
    thread_cached() noexcept
        requires stateless<A>
    {
        begin();
    }
    /// @pre no other thread is inside the allocator, or will be
    ~thread_cached() {
        { detail::registry().leave(*this); }
        while (records != nullptr) {  // no thread that ends can find them any more
            detail::thread_record& r = *records;
            records = r.next;
            end(*this, r);
        }
    }

    /// Gives back what this thread keeps, and lets the upstream do the same.
    void trim() noexcept {
        if (detail::thread_record* const mine = detail::my_caches.find(number)) {
            detail::my_caches.forget(number);
            {
                const detail::registry held;
                held.unlink(records, *mine);
            }
            end(*this, *mine);
        }
        ashlar::trim(this->upstream());
    }

private:
    using cache = typename operations::cache;
    struct record : detail::thread_record {
        cache kept;
    };

    void begin() noexcept {
        thread_cache_owner::end = [](thread_cache_owner& o, detail::thread_record& r) noexcept {
            auto& self = static_cast<thread_cached&>(o);
            auto& gone = static_cast<record&>(r);
            self.give_back(gone.kept);
            gone.~record();
            self.upstream().deallocate(reinterpret_cast<std::byte*>(&gone), layout::of<record>());
        };
        detail::registry().enter(*this);
    }
    /// This thread's cache, if it has one: nobody else touches it (thread_cached.I1), so no lock.
    cache* found() const noexcept {
        detail::thread_record* const mine = detail::my_caches.find(number);
        return mine == nullptr ? nullptr : &static_cast<record*>(mine)->kept;
    }
    /// This thread's cache, made at its first use; null where there is none to be had.
    cache* made() noexcept {
        if (cache* const kept = found()) return kept;
        if (detail::my_caches.closed) return nullptr;
        const auto room = this->upstream().allocate(layout::of<record>());
        if (!room) return nullptr;
        detail::give_up_at_end();
        record* const fresh = ::new (room->data) record;
        detail::my_caches.enter(*this, *fresh);
        return &fresh->kept;
    }
};

}  // namespace ashlar
