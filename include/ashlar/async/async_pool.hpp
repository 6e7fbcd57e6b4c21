// ashlar/async/async_pool.hpp - objects that coroutines wait for: first come first served, and nothing allocated to wait.
//
// Layer:      async
// Source:     pool_core.hpp has the protocol and its sources.
// Picture:    auto lease = co_await pool.acquire();   idle: at once      none idle: the coroutine waits, its node in its frame
//             lease's end -> the first who waits, or idle
// Complexity: acquire and release without anyone waiting: a compare-and-swap each. Memory: capacity * (24 bytes + T), once.
// Failure:    an empty lease, which says why (pool_outcome). Where the allocator refuses, a pool of capacity 0 that is closed.
// Threads:    any; only the pool's own end must follow every call on it. Leases may outlive the pool, not the allocator.
// Checked by: tests/async/async_pool_test.cpp, tests/async/async_pool_races_test.cpp
//
// A waiter goes on in the thread that sets its object free, inside the end of that lease, unless the options say otherwise.
// Deadlines need somebody who looks at the clock: expire, called when its last answer says. asio.hpp has a timer do it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <utility>

#include "ashlar/async/pool_lease.hpp"
#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"
#include "ashlar/strategy/system.hpp"

namespace ashlar {

struct pool_options {
    std::uint32_t capacity = 1;
    std::size_t max_waiters = SIZE_MAX;  ///< of those who come when so many wait, none waits
    pool_resumer resume_on = resume_at_once;
};

template <class T>
class pool_acquire;
template <class T>
class pool_acquire_stoppable;
class pool_close;

template <class T, deallocator A = system>
class async_pool {
public:
    using lease = pool_lease<T>;

    /// Without objects yet. @pre the allocator outlives every lease
    async_pool(ref<A> from, pool_options options) noexcept : core_(make(from, options)) {}
    explicit async_pool(pool_options options) noexcept
        requires stateless<A>
        : core_(make(ref<A>(), options)) {}
    async_pool(const async_pool&) = delete;
    async_pool& operator=(const async_pool&) = delete;
    /// Closes. Who waits goes on without an object; leases end when they do. @pre nobody calls the pool any more
    ~async_pool() {
        if (core_ != nullptr) core_->drop();
    }

    /// One object more, for the first who waits or idle. @returns false where the pool is full or closes
    template <class... Args>
    bool emplace(Args&&... args) {
        pool_slot* const s = core_ == nullptr ? nullptr : core_->vacant();
        if (s == nullptr) return false;
        struct unmade {
            pool_core& core;
            pool_slot* slot;
            ~unmade() {
                if (slot != nullptr) core.remove(*slot);
            }
        } attempt{*core_, s};
        ::new (static_cast<void*>(&static_cast<object_slot<T>*>(s)->object)) T(std::forward<Args>(args)...);
        core_->give(*std::exchange(attempt.slot, nullptr));
        return true;
    }

    /// co_await gives a lease.
    pool_acquire<T> acquire() noexcept { return pool_acquire<T>(core_, no_deadline); }
    pool_acquire<T> acquire_until(pool_clock::time_point deadline) noexcept { return pool_acquire<T>(core_, deadline); }
    pool_acquire_stoppable<T> acquire(std::stop_token stop) noexcept { return acquire_until(no_deadline, std::move(stop)); }
    pool_acquire_stoppable<T> acquire_until(pool_clock::time_point deadline, std::stop_token stop) noexcept {
        return pool_acquire_stoppable<T>(core_, deadline, std::move(stop));
    }
    /// An idle object, or none.
    lease try_acquire() noexcept {
        pool_slot* const s = core_ == nullptr ? nullptr : core_->take(pool_acquire<T>::at(*core_));
        return s == nullptr ? lease() : lease(*core_, *s);
    }
    /// For adapters: @returns whether it waits now, else its outcome is decided
    bool enqueue(pool_waiter& w) noexcept { return core_ != nullptr ? core_->enqueue(w) : (w.outcome = pool_outcome::closed, false); }
    pool_core* core() const noexcept { return core_; }

    /// Ends the waiting of those whose deadline has passed. @returns the next one's, no_deadline where there is none
    pool_clock::time_point expire(pool_clock::time_point now = pool_clock::now()) noexcept {
        return core_ != nullptr ? core_->expire(now) : no_deadline;
    }
    /// Refuses from now on, ends what is idle; co_await goes on when every lease has ended too. As often as you like.
    pool_close close() noexcept;
    pool_status status() const noexcept { return core_ != nullptr ? core_->status() : pool_status{}; }

private:
    struct whole : pool_core {
        whole(ref<A> a, const kind& k, const pool_options& o) noexcept
            : pool_core(k, o.capacity, o.max_waiters, o.resume_on), from(a), capacity(o.capacity) {}
        [[no_unique_address]] ref<A> from;
        std::uint32_t capacity;
    };
    using slot_type = object_slot<T>;
    static constexpr std::size_t slots_at = pool_acquire<T>::slots_at;
    static_assert(sizeof(whole) <= slots_at);

    static result<layout> layout_of(std::uint32_t capacity) noexcept {
        constexpr std::size_t align = alignof(slot_type) > alignof(whole) ? alignof(slot_type) : alignof(whole);
        const auto slots = layout::array<slot_type>(capacity);
        if (!slots || slots->size() > layout::max_size - slots_at) return alloc_error{};
        return layout::make(slots_at + slots->size(), align);
    }
    static pool_core* make(ref<A> from, const pool_options& o) noexcept {
        static constexpr pool_core::kind how{&pool_acquire<T>::slot_at, &end_object, &free};
        const auto l = layout_of(o.capacity);
        const auto granted = l ? from->allocate(*l) : alloc_error{};
        if (!granted) return nullptr;
        auto* const core = ::new (granted->data) whole(from, how, o);
        for (std::uint32_t i = 0; i < o.capacity; ++i) {
            (::new (granted->data + slots_at + i * sizeof(slot_type)) slot_type)->index = i;
        }
        return core;
    }
    static void end_object(pool_slot& s) noexcept { static_cast<slot_type&>(s).object.~T(); }
    static void free(pool_core& c) noexcept {
        auto& mine = static_cast<whole&>(c);
        const ref<A> from = mine.from;
        const layout l = *layout_of(mine.capacity);
        mine.~whole();
        from->deallocate(reinterpret_cast<std::byte*>(&mine), l);
    }

    pool_core* core_;
};

/// What co_await pool.acquire() waits on. It stays where it is made.
template <class T>
class [[nodiscard]] pool_acquire : protected pool_waiter {
public:
    pool_acquire(pool_core* core, pool_clock::time_point until) noexcept : pool_waiter(&go_on), core_(core) { deadline = until; }
    ~pool_acquire() {
        if (outcome_is_open()) core_->abandon(*this);
    }

    bool await_ready() noexcept {
        if (core_ == nullptr) [[unlikely]] return outcome = pool_outcome::closed, true;
        slot = core_->take(at(*core_));
        return slot != nullptr;
    }
    /// @returns false where it was decided at once
    bool await_suspend(std::coroutine_handle<> h) noexcept {
        waiting_ = h;
        suspended_ = true;
        if (core_->enqueue(*this)) return true;  // from here on it may be gone
        suspended_ = false;
        return false;
    }
    pool_lease<T> await_resume() noexcept {
        suspended_ = false;
        if (slot != nullptr) {
            pool_lease<T> granted(*core_, *slot);
            core_->leave(*this);
            return granted;
        }
        const pool_outcome why = outcome;
        if (core_ != nullptr) core_->leave(*this);
        return pool_lease<T>(why);
    }

    static constexpr std::size_t slots_at = align_up(sizeof(pool_core) + 16, alignof(object_slot<T>) > 64 ? alignof(object_slot<T>) : 64);
    static pool_slot& slot_at(const pool_core& c, std::uint32_t i) noexcept {
        auto* const first = reinterpret_cast<std::byte*>(const_cast<pool_core*>(&c)) + slots_at;
        return *reinterpret_cast<object_slot<T>*>(first + i * sizeof(object_slot<T>));
    }
    static auto at(const pool_core& c) noexcept {
        return [&c](std::uint32_t i) -> pool_slot& { return slot_at(c, i); };
    }

protected:
    bool outcome_is_open() const noexcept { return suspended_; }
    pool_core* core_;

private:
    static void go_on(pool_waiter& w) noexcept { static_cast<pool_acquire&>(w).waiting_.resume(); }
    std::coroutine_handle<> waiting_;
    bool suspended_ = false;
};

/// The same with a stop token.
template <class T>
class [[nodiscard]] pool_acquire_stoppable : pool_acquire<T> {
    using base = pool_acquire<T>;

public:
    pool_acquire_stoppable(pool_core* core, pool_clock::time_point until, std::stop_token stop) noexcept
        : base(core, until), stop_(std::move(stop)) {}

    bool await_ready() noexcept { return !stop_.stop_requested() && base::await_ready(); }
    bool await_suspend(std::coroutine_handle<> h) noexcept {
        if (base::core_ == nullptr) return base::await_ready(), false;
        callback_.emplace(stop_, on_stop{this});  // runs at once where the stop was requested before: then nothing is queued
        return base::await_suspend(h);
    }
    pool_lease<T> await_resume() noexcept {
        callback_.reset();  // waits for a callback that runs in another thread; it finds that it came too late
        return base::await_resume();
    }

private:
    struct on_stop {
        pool_acquire_stoppable* of;
        void operator()() const noexcept { of->base::core_->cancel(*of); }
    };
    std::stop_token stop_;
    std::optional<std::stop_callback<on_stop>> callback_;
};

/// What co_await pool.close() waits on.
class [[nodiscard]] pool_close : pool_waiter {
public:
    explicit pool_close(pool_core* core) noexcept : pool_waiter(&go_on), core_(core) {}
    ~pool_close() {
        if (suspended_) core_->abandon_closer(*this);
    }
    bool await_ready() noexcept { return core_ == nullptr || core_->close(); }
    bool await_suspend(std::coroutine_handle<> h) noexcept {
        waiting_ = h;
        suspended_ = true;
        if (core_->enqueue_closer(*this)) return true;  // from here on it may be gone
        suspended_ = false;
        return false;
    }
    void await_resume() noexcept {
        suspended_ = false;
        if (core_ != nullptr) core_->leave(*this);
    }

private:
    static void go_on(pool_waiter& w) noexcept { static_cast<pool_close&>(w).waiting_.resume(); }
    pool_core* core_;
    std::coroutine_handle<> waiting_;
    bool suspended_ = false;
};

template <class T, deallocator A>
pool_close async_pool<T, A>::close() noexcept {
    return pool_close(core_);
}

}  // namespace ashlar
