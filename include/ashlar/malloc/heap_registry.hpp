// ashlar/malloc/heap_registry.hpp - every heap: those of threads, those whose thread has ended, those lost in a fork.
//
// Layer:      malloc
// Source:     Berger, McKinley, Blumofe, Wilson, "Hoard", ASPLOS 2000 (heaps outlive threads); snmalloc (reuse whole).
// Picture:    attach -> [ of a thread ] -- detach --> [ orphan, with its spans ] -- attach of another thread
//                                                     adopt_partial: its spans of one class go to a heap in need
//             fork: heaps of other threads -> [ dead ]: never touched again in the child; blocks of theirs that the
//             child frees are `strays`, used again by any heap that needs that class
// Complexity: O(1) but for the spans that move. One lock; nothing here is on a fast path.
// Failure:    attach refuses with null when no record is to be had.
// Threads:    any. Lock order: this lock, then the store's.
// Invariants: heap_registry.I1  an orphan is touched under the lock only, but for its mail
//             heap_registry.I2  heaps are never given back: a stale pointer to one is a pointer to a heap
// Checked by: tests/malloc/heap_registry_test.cpp, tests/malloc/stress_test.cpp
#pragma once

#include <new>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/tiny_lock.hpp"

namespace ashlar::malloc {

template <class Heap>
class heap_registry {
public:
    constexpr heap_registry() noexcept = default;
    heap_registry(const heap_registry&) = delete;
    heap_registry& operator=(const heap_registry&) = delete;

    /// A heap for the calling thread: the latest orphan, with all that is in it, or a new one. Null when refused.
    template <class Store>
    Heap* attach(Store& store) noexcept {
        const holding guard(lock_);
        if (Heap* h = orphans_) {
            set_orphans(h->next_orphan_);
            h->orphan_.store(false, std::memory_order_relaxed);
            return h;
        }
        std::byte* memory = nullptr;
        {
            const holding inner(store.lock());
            memory = store.meta().take(store.pages(), sizeof(Heap), alignof(Heap));
        }
        if (memory == nullptr) return nullptr;
        Heap* h = ::new (memory) Heap(store, *this);
        h->next_ = all_.load(std::memory_order_relaxed);
        all_.store(h, std::memory_order_release);  // pairs with first(): publishes the heap to those who count
        return h;
    }
    /// The thread of h ends. What is free goes back; the rest waits for a thread in need, or its last free.
    void detach(Heap& h) noexcept {
        h.settle();
        const holding guard(lock_);
        h.orphan_.store(true, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with push_remote
        h.next_orphan_ = orphans_;
        set_orphans(&h);
        if (!h.mail_.empty()) h.settle();
    }
    /// Moves an orphan's spans of a class that have room to `to`. @returns whether there were any
    bool adopt_partial(Heap& to, std::size_t c) noexcept {
        if (first_orphan_.load(std::memory_order_relaxed) == nullptr) return false;  // a hint: no lock in vain
        const holding guard(lock_);
        unsigned looked_at = 0;
        for (Heap* h = orphans_; h != nullptr && looked_at < 8; h = h->next_orphan_, ++looked_at) {
            if (!h->mail_.empty()) h->read_mail();
            if (h->partial_[c].front() == nullptr) continue;
            while (auto* s = h->partial_[c].front()) {
                h->partial_[c].remove(s);
                // relaxed: who frees a block of it finds the old or the new owner; the old one forwards
                s->owner.store(&to, std::memory_order_relaxed);
                to.partial_[c].push_front(s);
            }
            return true;
        }
        return false;
    }
    /// Somebody freed a block of an orphan: give back what has become free.
    void tend(Heap& h) noexcept {
        const holding guard(lock_);
        if (h.orphan_.load(std::memory_order_relaxed)) h.settle();
    }
    void tend_all() noexcept {
        const holding guard(lock_);
        for (Heap* h = orphans_; h != nullptr; h = h->next_orphan_) h->settle();
    }

    /// In the child of fork, with the lock held since before: only the calling thread is left. `mine` is its heap,
    /// or null.
    template <class Store>
    void forked(Store& store, Heap* mine) noexcept {
        for (Heap* h = all_.load(std::memory_order_relaxed); h != nullptr; h = h->next_) {
            h->mail_.forget();
            if (h != mine && !h->orphan_.load(std::memory_order_relaxed)) h->dead_.store(true, std::memory_order_relaxed);
        }
        store.for_each_span([](auto& s) { s.remote.forget(); });
    }
    using node = typename Heap::node;
    void give_strays(std::size_t c, node* first, node* last) noexcept {
        const holding guard(lock_);
        last->next = strays_[c];
        strays_[c] = first;
        has_strays_.store(true, std::memory_order_relaxed);
    }
    /// @returns all strays of a class, null for none
    node* take_stray(std::size_t c) noexcept {
        if (!has_strays_.load(std::memory_order_relaxed)) return nullptr;
        const holding guard(lock_);
        node* const list = strays_[c];
        strays_[c] = nullptr;
        return list;
    }

    auto& lock() noexcept { return lock_; }
    /// All heaps there ever were, by next_of.
    Heap* first() const noexcept { return all_.load(std::memory_order_acquire); }
    static Heap* next_of(const Heap& h) noexcept { return h.next_; }

private:
    using atomics = typename Heap::atomics;

    void set_orphans(Heap* h) noexcept {
        orphans_ = h;
        first_orphan_.store(h, std::memory_order_relaxed);
    }

    tiny_lock<atomics> lock_;
    Heap* orphans_ = nullptr;
    typename atomics::template atomic<Heap*> first_orphan_{nullptr};
    typename atomics::template atomic<Heap*> all_{nullptr};
    typename atomics::template atomic<bool> has_strays_{false};
    node* strays_[size_class_count]{};
};

}  // namespace ashlar::malloc
