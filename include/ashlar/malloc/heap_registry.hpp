// ashlar/malloc/heap_registry.hpp - every heap: those of threads, those whose thread has ended or was lost in a fork.
//
// Layer:      malloc
// Source:     Berger, McKinley, Blumofe, Wilson, "Hoard", ASPLOS 2000 (heaps outlive threads); snmalloc (reuse whole).
// Picture:    attach -> [ of a thread ] -- detach --> [ orphan, with its spans ] -- attach of another thread
//                                                     adopt_partial: its spans of one class go to a heap in need
//             fork, in the child: heaps of other threads -> [ orphan, torn ] -- mended at the first use
//             fork that could not wait: -> [ dead ]: never touched again in the child; blocks of theirs that it frees
//             are `strays`, used again by any heap that needs that class
// Complexity: O(1) but for the spans that move. One lock; nothing here is on a fast path.
// Failure:    attach refuses with null when no record is to be had.
// Threads:    any. Order: the gate, this lock, the store's.
// Invariants: heap_registry.I1  an orphan is touched under the lock only, but for its mail
//             heap_registry.I2  heaps are never given back: a stale pointer to one is a pointer to a heap
// Checked by: tests/malloc/heap_registry_test.cpp, tests/malloc/stress_test.cpp,
//             proofs/protocols/thread_exit.pml
#pragma once

#include <new>

#include "ashlar/foundation/size_class.hpp"
#include "ashlar/malloc/fork_gate.hpp"
#include "ashlar/malloc/span.hpp"
#include "ashlar/malloc/tiny_lock.hpp"

namespace ashlar::malloc {

template <class Heap>
class heap_registry {
public:
    using atomics = typename Heap::atomics;
    using gate_type = fork_gate<atomics>;

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
            if (h->torn_) h->mend();
            return h;
        }
        std::byte* memory = nullptr;
        {
            const holding inner(store.lock());
            memory = store.meta().take(store.pages(), sizeof(Heap), alignof(Heap));
        }
        if (memory == nullptr) return nullptr;
        Heap* h = ::new (memory) Heap(store, *this, next_id_);
        next_id_ += 2;
        h->next_ = all_.load(std::memory_order_relaxed);
        all_.store(h, std::memory_order_release);  // pairs with first(): publishes the heap to those who count
        return h;
    }
    /// A shared heap is one of all: counted with them, and of no thread.
    void enlist(Heap& h) noexcept {
        const holding guard(lock_);
        h.next_ = all_.load(std::memory_order_relaxed);
        all_.store(&h, std::memory_order_release);  // pairs with first()
    }
    /// The thread of h ends. What is free goes back; the rest waits for a thread in need, or its last free.
    void detach(Heap& h) noexcept {
        gate_.enter(h.inside_);
        h.settle();
        const holding guard(lock_);
        h.orphan_.store(true, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with push_remote
        h.next_orphan_ = orphans_;
        set_orphans(&h);
        if (!h.mail_.empty()) h.settle();
        settle_forwarded();
        gate_.leave(h.inside_);  // under the lock: the next owner has not begun to use it
    }
    /// Moves an orphan's spans of a class that have room to `to`. @returns whether there were any
    bool adopt_partial(Heap& to, std::size_t c) noexcept {
        if (first_orphan_.load(std::memory_order_relaxed) == nullptr) return false;  // a hint: no lock in vain
        const holding guard(lock_);
        const bool any = adopt_partial_locked(to, c);
        settle_forwarded();
        return any;
    }
    /// Somebody freed a block of an orphan: give back what has become free.
    void tend(Heap& h) noexcept {
        const holding guard(lock_);
        if (h.orphan_.load(std::memory_order_relaxed)) settle(h);
        settle_forwarded();
    }
    /// Mail was forwarded to an orphan, by a thread that does not hold the lock.
    void tend_forwarded() noexcept {
        const holding guard(lock_);
        forwarded_ = true;
        settle_forwarded();
    }
    /// The same, by the holder of the lock, who looks at it before it lets go.
    void note_forwarded() noexcept { forwarded_ = true; }
    /// Every heap gives back what it has to spare when its thread comes to a slow path next; orphans at once.
    void ask_all_to_trim() noexcept {
        trims_.fetch_add(1, std::memory_order_relaxed);
        tend_all();
    }
    std::uint32_t trims() const noexcept { return trims_.load(std::memory_order_relaxed); }
    void tend_all() noexcept {
        const holding guard(lock_);
        for (Heap* h = orphans_; h != nullptr; h = h->next_orphan_) settle(*h);
        settle_forwarded();
    }

    /// Takes from the heaps of threads that have not read their mail for a while what no block in use is in, or at once from
    /// all that are outside. `mine` is the calling thread's heap, or null; the caller is inside. @returns whether anything came
    bool take_from_sleepers(const Heap* mine, bool at_once) noexcept {
        if (!gate_type::fence_is_seen || first() == nullptr || next_of(*first()) == nullptr) return false;
        if (!at_once && !look_for_sleepers(mine)) return false;
        if (!gate_.try_close()) return false;
        bool any = false;
        {
            const holding guard(lock_);
            for_each_running(mine, [&](Heap& h) {
                if (!at_once && !h.watched_.asleep) return;
                if (h.inside_.load(std::memory_order_acquire)) return;  // acquire: pairs with leave()
                const bool some = h.give_back_asleep() != 0;
                h.watched_.wait = static_cast<std::uint8_t>(some ? 0 : h.watched_.wait < 32 ? 2 * h.watched_.wait + 1 : 63);
                any = any || some;
            });
        }
        gate_.open();
        return any;
    }

    /// Around fork. `mine` is the calling thread's heap, or null.
    template <class Store>
    void before_fork(Store& store, Heap* mine) noexcept {
        gate_.close();
        const auto for_each_other = [&](auto f) {
            for (Heap* h = first(); h != nullptr; h = h->next_) {
                if (h != mine && !h->shared_ && !h->orphan_.load(std::memory_order_relaxed)) f(*h);
            }
        };
        others_ = false;
        {
            const holding guard(lock_);  // whoever attaches after this sees that the gate is closed
            for_each_other([&](Heap&) { others_ = true; });
        }
        settled_ = gate_.settle(others_, [&](auto left) { for_each_other([&](Heap& h) { left(h.inside_); }); });
        lock_.lock();
        store.lock().lock();
        if (settled_) for_each_other([](Heap& h) { h.note_lists(); });
    }
    template <class Store>
    void after_fork_in_parent(Store& store) noexcept {
        store.lock().unlock();
        lock_.unlock();
        gate_.open();
    }
    /// Only the calling thread is left. The other heaps become orphans; if not all of them stood still, they are dead.
    template <class Store>
    void after_fork_in_child(Store& store, Heap* mine) noexcept {
        for (Heap* h = all_.load(std::memory_order_relaxed); h != nullptr; h = h->next_) {
            h->inside_.store(false, std::memory_order_relaxed);
            if (!settled_) h->mail_.forget();
            if (h == mine || h->orphan_.load(std::memory_order_relaxed)) continue;
            if (h->shared_) {
                h->find_in_child(settled_);
            } else if (settled_) {
                h->torn_ = true;
                h->orphan_.store(true, std::memory_order_relaxed);
                h->next_orphan_ = orphans_;
                set_orphans(h);
            } else {
                h->dead_.store(true, std::memory_order_relaxed);
            }
        }
        if (!settled_) store.for_each_span([](auto& s) { s.remote.forget(); });
        if (others_) store.note_torn_fork();
        gate_.forget_guests();
        after_fork_in_parent(store);
    }
    using node = typename Heap::node;
    void give_strays(std::size_t c, node* first, node* last, std::uintptr_t key) noexcept {
        const holding guard(lock_);
        last->set_next(strays_[c], key);
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
    gate_type& gate() noexcept { return gate_; }
    /// All heaps there ever were, by next_of.
    Heap* first() const noexcept { return all_.load(std::memory_order_acquire); }
    static Heap* next_of(const Heap& h) noexcept { return h.next_; }

private:
    static constexpr std::uint64_t look_ns = 50'000'000;
    template <class F>
    void for_each_running(const Heap* mine, F f) noexcept {
        for (Heap* h = first(); h != nullptr; h = h->next_) {
            if (h == mine || h->shared_ || h->orphan_.load(std::memory_order_relaxed)) continue;
            if (!h->dead_.load(std::memory_order_relaxed)) f(*h);
        }
    }
    /// @returns whether some heap had mail at the last look, and has not read any since
    bool look_for_sleepers(const Heap* mine) noexcept {
        const std::uint64_t now = os::now_ns();
        if (now < next_look_.load(std::memory_order_relaxed)) return false;
        const holding guard(lock_);
        next_look_.store(now + look_ns, std::memory_order_relaxed);
        bool any = false;
        for_each_running(mine, [&](Heap& h) {
            auto& w = h.watched_;
            const bool same = w.had_mail && w.readings == h.readings();
            w.had_mail = !h.mail_.empty();
            w.readings = h.readings();
            if (!same) w.wait = w.waited = 0;
            w.asleep = same && w.had_mail && w.waited >= w.wait;
            w.waited = static_cast<std::uint8_t>(w.asleep ? 0 : w.waited + 1);
            any = any || w.asleep;
        });
        return any;
    }
    bool adopt_partial_locked(Heap& to, std::size_t c) noexcept {
        unsigned looked_at = 0;
        for (Heap* h = orphans_; h != nullptr && looked_at < 8; h = h->next_orphan_, ++looked_at) {
            if (h->torn_) h->mend();
            if (!h->mail_.empty()) h->read_mail();
            if (h->partial_[c].front() == nullptr) continue;
            while (auto* s = h->partial_[c].front()) {
                h->partial_[c].remove(s);
                to.store().open(*s, to.id());
                if (s->used() == 0) {  // kept though it is empty (span.I3)
                    s->close(to.id());
                    const std::size_t kept = s->carved() * s->block_size;
                    h->kept_ -= kept;
                    to.kept_ += kept;
                }
                // relaxed: who frees a block of it finds the old or the new owner; the old one forwards
                s->owner.store(&to, std::memory_order_relaxed);
                to.partial_[c].push_front(s);
            }
            return true;
        }
        return false;
    }
    /// Reading an orphan's mail may forward to another, and that one's owner is the true one as long as the lock is held.
    void settle_forwarded() noexcept {
        while (forwarded_) {
            forwarded_ = false;
            for (Heap* h = orphans_; h != nullptr; h = h->next_orphan_) {
                if (!h->mail_.empty()) settle(*h);
            }
        }
    }
    static void settle(Heap& h) noexcept {
        if (h.torn_) h.mend();
        h.settle();
    }
    void set_orphans(Heap* h) noexcept {
        orphans_ = h;
        first_orphan_.store(h, std::memory_order_relaxed);
    }

    tiny_lock<atomics> lock_;
    gate_type gate_;
    bool others_ = false;   ///< there were other threads when this process was forked
    bool forwarded_ = false;  ///< mail went to an orphan, and nobody has looked since
    bool settled_ = false;  ///< nobody was inside when this process was forked (fork_gate.I1)
    std::uint32_t next_id_ = first_heap_id;
    Heap* orphans_ = nullptr;
    typename atomics::template atomic<Heap*> first_orphan_{nullptr};
    typename atomics::template atomic<Heap*> all_{nullptr};
    typename atomics::template atomic<bool> has_strays_{false};
    typename atomics::template atomic<std::uint64_t> next_look_{0};  ///< for sleepers, not before
    typename atomics::template atomic<std::uint32_t> trims_{0};  ///< how often all heaps were asked
    node* strays_[Heap::class_count]{};
};

}  // namespace ashlar::malloc
