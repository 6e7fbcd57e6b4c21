// ashlar/malloc/shared_heap.hpp - a heap that the program makes: for any thread, and destroyed at once.
//
// Layer:      malloc
// Source:     Leijen and others, mimalloc (first-class heaps); Hanson, "Fast allocation and deallocation of memory based
//             on object lifetimes", 1990 (the end of many lives at once).
// Picture:    any thread -- allocate --> [ lock | heap: lists, spans, large blocks ] <-- free -- any thread
//             clear: its spans and large blocks go back to the store, whatever is out
// Complexity: allocate and take_back: as heap.hpp, and a lock. clear: O(its spans), and with large blocks O(all spans).
// Failure:    as heap.hpp: refuses with null, and nothing has changed.
// Threads:    any, but for clear: no block of the heap may be used or freed meanwhile. Order: the gate, this lock, the
//             registry's, the store's.
// Invariants: shared_heap.I1  all blocks of its spans are its own: it adopts no span, takes no stray
//             shared_heap.I2  a freed block goes to its span at once: none is in an outbox when the heap is cleared
// Checked by: tests/malloc/shared_heap_test.cpp, tests/malloc/program/heaps.cpp
#pragma once

#include <new>

#include "ashlar/malloc/heap.hpp"

namespace ashlar::malloc {

template <class Store>
class shared_heap : private heap<Store> {
    using base = heap<Store>;

public:
    using typename base::atomics;
    using typename base::registry_type;
    using typename base::span_type;

    shared_heap(Store& store, registry_type& registry) noexcept : base(store, registry, no_thread_id) {
        this->shared_ = true;
        this->classes_ = &usual_classes;
    }

    /// @returns the shared heap that a block of this span belongs to, or null
    static shared_heap* home_of(const span_type& s) noexcept {
        const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
        if (!s.shared && !large) return nullptr;  // spans of threads have owners too
        return static_cast<shared_heap*>(static_cast<base*>(s.owner.load(std::memory_order_relaxed)));
    }

    void* allocate(std::size_t size) noexcept {
        return locked([&] { return base::allocate(size); });
    }
    void* allocate_zeroed(std::size_t size) noexcept {
        return locked([&] { return base::allocate_zeroed(size); });
    }
    /// @pre align is a power of two
    void* allocate_aligned(std::size_t size, std::size_t align) noexcept {
        return locked([&] { return base::allocate_aligned(size, align); });
    }
    /// @pre p is a block of this heap. @returns null when refused: then it is as it was
    void* reallocate(void* p, std::size_t size) noexcept {
        span_type* const s = base::checked(*this->store_, p, "realloc");
        if (s == nullptr || !base::seal_holds(*this->store_, *s, p, "realloc")) return nullptr;
        const bool large = s->kind == span_kind::run || s->kind == span_kind::mapped;
        if (base::resized_in_place(*this->store_, *s, p, size)) {
            if (large) note_moved(p, *s);
            return large ? s->start : p;
        }
        return move(p, *s, size);
    }
    void* move(void* p, span_type& s, std::size_t size) noexcept {
        const std::size_t old = s.block_size;
        void* const q = allocate(size);
        if (q == nullptr) return size <= base::bytes_of(*this->store_, s, static_cast<std::byte*>(p)) ? p : nullptr;
        std::memcpy(q, p, size < old ? size : old);
        base::release(*this->store_, *this->registry_, this, p, "realloc");
        return q;
    }

    // --- what heap<Store> calls ------------------------------------------------------------------------------
    void take_back(span_type& s, void* p, const char* call) noexcept {
        {
            const holding guard(lock_);
            if (this->dead_.load(std::memory_order_relaxed)) return;
            auto* const block = static_cast<typename base::node*>(p);
            if (s.used() != 0 && !block->marked(this->key())) {
                if (this->store_->settings().harden == 2) std::memset(p, 0, s.block_size);  // heap_hardened.I2
                block->set_mark(this->key());
                if (watcher_ != nullptr) watcher_->freed(p);
                return base::free_local(s, block);  // shared_heap.I2
            }
        }
        this->store_->report({misuse_kind::twice, call, p, p, s.block_size});
    }
    /// @pre the lock is held
    void keep_large(span_type& s) noexcept {
        s.owner.store(static_cast<base*>(this), std::memory_order_relaxed);
        ++large_;
    }
    void let_go(span_type& s) noexcept {
        const holding guard(lock_);
        if (watcher_ != nullptr) watcher_->freed(s.start);
        s.owner.store(nullptr, std::memory_order_relaxed);
        --large_;
    }

    void note_moved(void* from, span_type& s) noexcept {
        const holding guard(lock_);
        if (watcher_ != nullptr) watcher_->moved(from, s.start);
    }
    /// Is told of its blocks' ends, for the profiler's own heap. Its blocks leave it when realloc moves them.
    struct watcher {
        void (*freed)(void* p) noexcept;
        void (*moved)(void* from, void* to) noexcept;
    };
    void watch(const watcher& who) noexcept { watcher_ = &who; }
    bool watched() const noexcept { return watcher_ != nullptr; }

    // --- its life --------------------------------------------------------------------------------------------
    /// Every block of it ends. @pre none of them is used any more
    void clear() noexcept {
        const holding guard(lock_);
        for (auto& head : this->heads_) head = nullptr;
        for (bool& zero : this->zero_) zero = false;
        this->kept_ = 0;
        give_all(this->full_);
        for (auto& list : this->partial_) give_all(list);
        while (large_ != 0 && give_large_blocks()) {
        }
    }
    /// Gives back what is free in it.
    void settle() noexcept {
        const holding guard(lock_);
        if (!this->dead_.load(std::memory_order_relaxed)) base::settle();
    }
    bool owns(const span_type& s) const noexcept { return s.owner.load(std::memory_order_relaxed) == static_cast<const base*>(this); }
    base& as_heap() noexcept { return *this; }
    /// @pre its state is `shared`
    static shared_heap* of_heap(base& h) noexcept { return static_cast<shared_heap*>(&h); }
    auto& lock() noexcept { return lock_; }

    shared_heap* next = nullptr;  ///< in a list of its maker

private:
    friend base;

    template <class F>
    void* locked(F f) noexcept {
        const holding guard(lock_);
        return this->dead_.load(std::memory_order_relaxed) ? nullptr : f();
    }
    void give_all(span_list<span_type>& list) noexcept {
        while (span_type* s = list.front()) {
            list.remove(s);
            s->countdown = s->held = 0;
            this->store_->give_span(s);
        }
    }
    /// @returns whether there were any
    bool give_large_blocks() noexcept {
        constexpr std::size_t most = 32;
        span_type* found[most];
        std::size_t n = 0;
        {
            const holding guard(this->store_->lock());
            this->store_->for_each_span([&](span_type& s) {
                const bool large = s.kind == span_kind::run || s.kind == span_kind::mapped;
                if (large && n != most && owns(s)) found[n++] = &s;
            });
        }
        for (std::size_t i = 0; i < n; ++i) this->store_->give_large(found[i]);
        large_ -= n;
        return n != 0;
    }

    tiny_lock<typename base::atomics> lock_;
    const watcher* watcher_ = nullptr;
    std::size_t large_ = 0;  ///< large blocks that are out
};

template <class Store>
void heap<Store>::find_in_child(bool settled) noexcept {
    auto& lock = static_cast<shared_heap<Store>*>(this)->lock();
    if (!settled && !lock.try_lock()) dead_.store(true, std::memory_order_relaxed);  // its holder is not in the child
    lock.unlock();
}

/// Makes shared heaps, and uses the records of those that ended again.
template <class Store>
class shared_heaps {
public:
    using heap_type = shared_heap<Store>;
    using registry_type = typename heap_type::registry_type;

    /// @returns null when refused
    heap_type* make(Store& store, registry_type& registry) noexcept {
        const holding guard(lock_);
        heap_type* h = ended_;
        if (h != nullptr) {
            ended_ = h->next;
        } else {
            std::byte* memory = nullptr;
            {
                const holding inner(store.lock());
                memory = store.meta().take(store.pages(), sizeof(heap_type), alignof(heap_type));
            }
            if (memory == nullptr) return nullptr;
            h = ::new (memory) heap_type(store, registry);
            registry.enlist(h->as_heap());
        }
        h->next = running_;
        running_ = h;
        return h;
    }
    /// Ends every block of the heap, and the heap.
    void end(heap_type& h) noexcept {
        h.clear();
        const holding guard(lock_);
        heap_type** at = &running_;
        while (*at != &h) at = &(*at)->next;
        *at = h.next;
        h.next = ended_;
        ended_ = &h;
    }
    /// Gives back what is free in any of them.
    void settle() noexcept {
        const holding guard(lock_);
        for (heap_type* h = running_; h != nullptr; h = h->next) h->settle();
    }
    /// In the child of fork: @pre nobody was inside (fork_gate.I1), or what was being made is given up
    void forget_lock() noexcept { lock_.unlock(); }

private:
    tiny_lock<typename heap_type::atomics> lock_;
    heap_type* running_ = nullptr;
    heap_type* ended_ = nullptr;
};

}  // namespace ashlar::malloc
