// ashlar/compose/thread_cached.hpp - every thread keeps freed blocks of its own; only the upstream is shared.
//
// Layer:      compose
// Source:     Bonwick and Adams, "Magazines and Vmem", USENIX 2001 (the layer of each processor, here of each thread).
// Picture:    thread 1 [ cache ]  thread 2 [ cache ]      found through a list of the thread's own caches
//                        \             /                  and through a list of the allocator's
//                         thread_safe upstream
// Complexity: O(1) and without a lock where the thread keeps a block; else the upstream's operation.
// Failure:    where the upstream refuses, this thread's cache goes back and it is asked once more; then refuses.
// Threads:    any number; a block may come back on any thread, and stays in that one's cache. The allocator is destroyed
//             when no thread is inside it; threads that used it may live on.
// Invariants: thread_cached.I1  a cache's blocks are touched by its own thread only, while its owner is not null
//             thread_cached.I2  the owner's end and the thread's end both hold the registry's lock, so one of them empties
//                               a cache and the other finds it empty
// Checked by: tests/compose/thread_cached_test.cpp, tests/compose/thread_cached_threads_test.cpp
//
// As compose/cached.hpp it does not forward `available` and the walk; nor reset, which could not reach the caches of
// threads that run.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "ashlar/compose/block_cache.hpp"
#include "ashlar/foundation/operations.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

namespace detail {

/// A thread's cache for one allocator: in the thread's list, and while its owner lives in the owner's.
struct thread_cache {
    std::atomic<void*> owner{nullptr};
    void (*empty)(thread_cache&) noexcept = nullptr;    // gives every block to the owner's upstream
    void (*destroy)(thread_cache&) noexcept = nullptr;  // ends the object, whose type only its maker knows
    thread_cache* next_in_thread = nullptr;
    thread_cache* next_in_owner = nullptr;
    thread_cache** head_in_owner = nullptr;
};

/// Guards every owner's list. Taken when a thread first uses an allocator, when a thread ends and when an allocator ends.
class registry_lock {
public:
    registry_lock() noexcept {
        while (taken.test_and_set(std::memory_order_acquire)) taken.wait(true, std::memory_order_relaxed);
    }
    ~registry_lock() {
        taken.clear(std::memory_order_release);  // pairs with the acquire of whoever takes it next
        taken.notify_one();
    }
    registry_lock(const registry_lock&) = delete;
    registry_lock& operator=(const registry_lock&) = delete;

private:
    static inline std::atomic_flag taken;
};

inline void unlink_from_owner(thread_cache& c) noexcept {
    for (thread_cache** at = c.head_in_owner; *at != nullptr; at = &(*at)->next_in_owner) {
        if (*at != &c) continue;
        *at = c.next_in_owner;
        return;
    }
}

/// Plain, so that it can be looked at even after the thread's destructors have run.
struct thread_cache_list {
    thread_cache* first;
    bool ended;
};
inline thread_local constinit thread_cache_list my_caches{nullptr, false};

/// Hands the thread's caches over when the thread ends.
struct thread_end {
    ~thread_end() {
        const registry_lock held;
        my_caches.ended = true;
        while (thread_cache* const c = my_caches.first) {
            my_caches.first = c->next_in_thread;
            if (c->owner.load(std::memory_order_relaxed) != nullptr) {  // thread_cached.I2
                c->empty(*c);
                unlink_from_owner(*c);
            }
            c->destroy(*c);
        }
    }
};

/// Puts a new cache into the thread's list and the owner's.
inline void enter(thread_cache& c, void* owner, thread_cache** head) noexcept {
    static thread_local thread_end when_it_ends;
    static_cast<void>(&when_it_ends);
    const registry_lock held;
    c.owner.store(owner, std::memory_order_relaxed);
    c.head_in_owner = head;
    c.next_in_owner = *head;
    *head = &c;
    c.next_in_thread = my_caches.first;
    my_caches.first = &c;
}

}  // namespace detail

/// Keeps up to Depth blocks of each size class up to Largest bytes for each thread.
template <allocator A, std::size_t Depth = 32, std::size_t Largest = 1024>
    requires thread_safe<A>
class thread_cached {
    using cache = block_cache<Depth, Largest>;
    struct node : detail::thread_cache {
        ref<A> upstream;
        cache kept{};
        explicit node(ref<A> up) noexcept : upstream(up) {}
    };

public:
    static constexpr bool is_thread_safe = true;
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit thread_cached(ref<A> upstream) noexcept : upstream_(upstream) {}
    thread_cached() noexcept
        requires stateless<A>
    {}
    thread_cached(const thread_cached&) = delete;
    thread_cached& operator=(const thread_cached&) = delete;
    /// @pre no other thread is inside the allocator, or will be
    ~thread_cached() {
        const detail::registry_lock held;
        for (detail::thread_cache *c = caches_, *next = nullptr; c != nullptr; c = next) {
            next = c->next_in_owner;  // once abandoned, c is its thread's to destroy
            c->empty(*c);
            // release: pairs with the acquire in mine(), where its thread finds it abandoned
            c->owner.store(nullptr, std::memory_order_release);
        }
    }

    result<block> allocate(layout l) noexcept {
        ASHLAR_PRE(l.size() != 0);
        if (std::byte* const p = kept(l)) return block{p, cache::asked(l).size()};
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate(as); });
    }
    void deallocate(std::byte* p, layout l) noexcept {
        if (cache::keeps(l)) {
            node* const own = mine();
            if (own != nullptr && own->kept.put(p, l)) return;
        }
        upstream_->deallocate(p, cache::asked(l));
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        const layout from = cache::asked(old), to = cache::asked(now);
        if (from == to) return block{p, to.size()};
        if (from.align() != to.align()) return alloc_error{};
        return within(upstream_->grow_in_place(p, from, to), now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        const layout from = cache::asked(old), to = cache::asked(now);
        if (from == to) return block{p, to.size()};
        if (from.align() != to.align()) return alloc_error{};
        return within(upstream_->shrink_in_place(p, from, to), now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        return asked_again(now, [&](layout as) noexcept {
            return upstream_->reallocate(p, cache::asked(old), as, live_bytes);
        });
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        ASHLAR_PRE(l.size() != 0);
        if (std::byte* const p = kept(l)) {
            std::memset(p, 0, l.size());
            return block{p, cache::asked(l).size()};
        }
        return asked_again(l, [&](layout as) noexcept { return upstream_->allocate_zeroed(as); });
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        return upstream_->owns(p);
    }

    /// Gives back what this thread keeps.
    void trim() noexcept {
        if (node* const own = find_mine()) give_back(*own);
    }

private:
    static void give_back(node& own) noexcept {
        own.kept.flush([&](std::byte* p, layout l) { own.upstream->deallocate(p, l); });
    }
    /// This thread's cache, if it has one; caches whose allocators are gone are dropped on the way.
    node* find_mine() noexcept {
        detail::thread_cache** at = &detail::my_caches.first;
        while (detail::thread_cache* const c = *at) {
            void* const owner = c->owner.load(std::memory_order_acquire);  // pairs with the release of the owner's end
            if (owner == this) return static_cast<node*>(c);
            if (owner == nullptr) {
                *at = c->next_in_thread;
                c->destroy(*c);
            } else {
                at = &c->next_in_thread;
            }
        }
        return nullptr;
    }
    /// This thread's cache, made at its first use; null where there is none to be had, or the thread is ending.
    node* mine() noexcept {
        if (node* const own = find_mine()) return own;
        if (detail::my_caches.ended) return nullptr;
        void* const room = std::malloc(sizeof(node));
        if (room == nullptr) return nullptr;
        node* const fresh = ::new (room) node(upstream_);
        fresh->empty = [](detail::thread_cache& c) noexcept { give_back(static_cast<node&>(c)); };
        fresh->destroy = [](detail::thread_cache& c) noexcept {
            static_cast<node&>(c).~node();
            std::free(static_cast<node*>(&c));
        };
        detail::enter(*fresh, this, &caches_);
        return fresh;
    }
    std::byte* kept(layout l) noexcept {
        if (!cache::keeps(l)) return nullptr;
        node* const own = find_mine();  // nobody else touches it (thread_cached.I1): no lock
        return own == nullptr ? nullptr : own->kept.take(l);
    }
    template <class Ask>
    result<block> asked_again(layout l, Ask ask) noexcept {
        const auto first = within(ask(cache::asked(l)), l);
        node* const own = first ? nullptr : find_mine();
        if (own == nullptr || own->kept.empty()) return first;
        give_back(*own);
        return within(ask(cache::asked(l)), l);
    }
    static result<block> within(result<block> r, layout l) noexcept {
        if (!r || !cache::keeps(l)) return r;
        return block{r->data, cache::asked(l).size()};
    }

    [[no_unique_address]] ref<A> upstream_;
    detail::thread_cache* caches_ = nullptr;  // under registry_lock
};

}  // namespace ashlar
