// Turns at a shared heap: a queue of waiting threads, each with a condition of its own, so that the turn goes to the first.
#include "ashlar/gc/mutator.hpp"

#include <chrono>

namespace ashlar::gc {

/// @pre the waiter is in the queue
void shared_heap::wait(std::unique_lock<std::mutex>& lock, waiter& w) {
    while (!w.has_turn) {
        const bool late = w.woken.wait_for(lock, std::chrono::milliseconds(1)) == std::cv_status::timeout;
        if (late && !w.has_turn) wanted_.store(true, std::memory_order_relaxed);  // pairs with poll(): a hint, the turn has its lock
    }
}

/// The turn goes to the first that waits, or to nobody.
void shared_heap::wake_next() {
    wanted_.store(false, std::memory_order_relaxed);  // as in wait()
    taken_ = first_ != nullptr;
    if (first_ == nullptr) return;
    waiter& w = *first_;
    first_ = w.next;
    if (first_ == nullptr) last_ = nullptr;
    w.has_turn = true;  // mutator.I1
    w.woken.notify_one();
}

void shared_heap::take() {
    std::unique_lock lock(mutex_);
    if (!taken_) {
        taken_ = true;
        return;
    }
    waiter w;
    (last_ == nullptr ? first_ : last_->next) = &w;
    last_ = &w;
    wait(lock, w);
}

void shared_heap::give() {
    const std::lock_guard lock(mutex_);
    wake_next();
}

void shared_heap::pass(bool in_make) {
    std::unique_lock lock(mutex_);
    if (first_ == nullptr || (in_make && compacting_ != 0)) return;  // mutator.I2
    in_make_ += in_make;
    waiter w;
    last_->next = &w;
    last_ = &w;
    wake_next();
    wait(lock, w);
    in_make_ -= in_make;
}

void mutator::safepoint() {
    shared_->heap_.safepoint();
    shared_->pass(false);
}

bool mutator::compact() {
    {
        const std::lock_guard lock(shared_->mutex_);
        ++shared_->compacting_;
    }
    for (;;) {
        shared_->pass(false);
        const std::lock_guard lock(shared_->mutex_);
        if (shared_->in_make_ != 0) continue;  // who is not in make any more waits elsewhere, until this has done
        --shared_->compacting_;
        break;
    }
    return shared_->heap_.compact();
}

}  // namespace ashlar::gc
