// ashlar/async/pool_lease.hpp - an object of a pool while it is yours, or the reason why you have none.
//
// Layer:      async
// Picture:    lease { core, slot } -> [ links | T ]      empty: { -, null, outcome }
// Complexity: moving copies three words; the end costs what giving back costs (pool_core.hpp).
// Failure:    an empty lease is one that was refused, moved from, or given back.
// Threads:    one at a time; it may end on another thread than it was granted on, and after its pool.
// Invariants: pool_lease.I1  a lease is the only holder of its object, until its end gives it on once
// Checked by: tests/async/pool_lease_test.cpp, tests/async/async_pool_races_test.cpp
#pragma once

#include <utility>

#include "ashlar/async/pool_core.hpp"

namespace ashlar {

template <class T>
struct object_slot : pool_slot {
    union {
        T object;
    };
    object_slot() noexcept {}
    ~object_slot() {}
};

/// An object of a pool, or the reason why there is none.
template <class T>
class pool_lease {
public:
    pool_lease() noexcept = default;
    explicit pool_lease(pool_outcome why) noexcept : outcome_(why) {}
    pool_lease(pool_core& core, pool_slot& slot) noexcept
        : core_(&core), slot_(static_cast<object_slot<T>*>(&slot)), outcome_(pool_outcome::granted) {}
    pool_lease(pool_lease&& other) noexcept
        : core_(other.core_), slot_(std::exchange(other.slot_, nullptr)), outcome_(other.outcome_) {}
    pool_lease& operator=(pool_lease&& other) noexcept {
        pool_lease taken(std::move(other));
        std::swap(core_, taken.core_);
        std::swap(slot_, taken.slot_);
        std::swap(outcome_, taken.outcome_);
        return *this;
    }
    ~pool_lease() { reset(); }

    explicit operator bool() const noexcept { return slot_ != nullptr; }
    /// @pre it has an object
    T& operator*() const noexcept {
        ASHLAR_PRE(slot_ != nullptr);
        return slot_->object;
    }
    T* operator->() const noexcept { return &**this; }
    /// What became of the wish for it.
    pool_outcome outcome() const noexcept { return outcome_; }

    /// Gives the object back now. Who waits for it may go on before this returns.
    void reset() noexcept {
        if (slot_ != nullptr) core_->give(*std::exchange(slot_, nullptr));  // pool_lease.I1
    }
    /// Ends the object instead of giving it back: it is broken. The pool has room for another. @pre it has an object
    void discard() noexcept {
        ASHLAR_PRE(slot_ != nullptr);
        object_slot<T>& s = *std::exchange(slot_, nullptr);
        s.object.~T();
        core_->remove(s);
    }

private:
    pool_core* core_ = nullptr;
    object_slot<T>* slot_ = nullptr;
    pool_outcome outcome_ = pool_outcome::waiting;
};

}  // namespace ashlar
