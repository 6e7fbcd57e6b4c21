// ashlar/gc/mutator.hpp - one collected heap of several threads, which take turns at it.
//
// Layer:      gc
// Picture:    mutator (runs) -> safepoint -> [ waiting | waiting ] -> the next one runs; blocking: none of the heap is touched
// Complexity: make adds a load and a branch; a turn that others wait for is given on after a millisecond, by order of arrival.
// Failure:    as the heap; whoever is refused keeps the turn.
// Threads:    each by a mutator of its own.
// Invariants: mutator.I1  one thread at a time has the turn, and only it reads, changes or collects what is in the heap
//             mutator.I2  nothing moves while a thread stands in make: compact waits for those
// Checked by: tests/gc/mutator_test.cpp
//
// A thread registers by making a mutator, which waits for its turn. make is a safepoint: others may run and collect there,
// but nothing moves. safepoint() is one where others may compact, too. What waits for something else (a lock, a file) does
// so in a blocking, and touches nothing of the heap meanwhile, roots neither. Threads do not run in the heap at the same
// time: what they gain is one heap, whose references may go from any thread to any other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

#include "ashlar/gc/collected_heap.hpp"

namespace ashlar::gc {

class mutator;

class shared_heap {
public:
    /// @throws std::bad_alloc
    explicit shared_heap(const options& o = {}) : heap_(o) {}
    shared_heap(const shared_heap&) = delete;
    shared_heap& operator=(const shared_heap&) = delete;
    /// @pre no mutator is left, and no root
    ~shared_heap() = default;

private:
    friend class mutator;
    friend class blocking;

    struct waiter {
        std::condition_variable woken;
        bool has_turn = false;
        waiter* next = nullptr;
    };
    void take();
    void give();
    /// Lets all that wait run first. @pre the thread has the turn
    void pass(bool in_make);
    void wait(std::unique_lock<std::mutex>& lock, waiter& w);
    void wake_next();

    heap heap_;
    std::mutex mutex_;
    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
    bool taken_ = false;
    std::size_t in_make_ = 0;          ///< threads that gave their turn on there
    std::size_t compacting_ = 0;       ///< threads that wait to compact: make does not stop meanwhile
    std::atomic<bool> wanted_{false};  ///< someone has waited for long
};

/// A thread's part in a shared heap: it has the turn but where it says otherwise.
class mutator {
public:
    explicit mutator(shared_heap& s) : shared_(&s) { s.take(); }
    mutator(const mutator&) = delete;
    mutator& operator=(const mutator&) = delete;
    /// @pre the thread has let its roots go, or given them to another
    ~mutator() { shared_->give(); }

    /// @throws std::bad_alloc, and what T's constructor throws
    template <class T, class... Args>
    root<T> make(Args&&... args) {
        poll();
        return shared_->heap_.template make<T>(std::forward<Args>(args)...);
    }
    template <class T>
    root<array<T>> make_array(std::size_t n) {
        poll();
        return shared_->heap_.template make_array<T>(n);
    }
    /// Runs the destructors that wait, and lets others run, who may move objects.
    void safepoint();
    /// The other threads are stopped meanwhile.
    void collect() { shared_->heap_.collect(); }
    /// Waits until no other thread stands in make; others may run meanwhile. @returns as heap::compact
    bool compact();
    /// To look at it. @pre nothing is made or moved by it
    heap& all() noexcept { return shared_->heap_; }

private:
    friend class blocking;
    void poll() {
        if (shared_->wanted_.load(std::memory_order_relaxed)) [[unlikely]] shared_->pass(true);  // pairs with wait(): a hint
    }
    shared_heap* shared_;
};

/// While it lives others run. @pre nothing of the heap is touched meanwhile
class blocking {
public:
    explicit blocking(mutator& m) : shared_(m.shared_) { shared_->give(); }
    blocking(const blocking&) = delete;
    blocking& operator=(const blocking&) = delete;
    ~blocking() { shared_->take(); }

private:
    shared_heap* shared_;
};

}  // namespace ashlar::gc
