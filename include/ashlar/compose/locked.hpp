// ashlar/compose/locked.hpp - one allocator for many threads: every operation under a mutex.
//
// Layer:      compose
// Complexity: a lock and an unlock more than the upstream's operation.
// Failure:    that of the upstream.
// Threads:    any number at once, unless the mutex is null_mutex, which locks nothing.
// Invariants: locked.I1  the upstream is touched only while the mutex is held
// Checked by: tests/compose/locked_test.cpp, tests/compose/locked_threads_test.cpp
//
// available() is true of the moment at which it was asked: another thread may come first.
#pragma once

#include <concepts>

#include "ashlar/foundation/allocator.hpp"
#include "ashlar/foundation/ref.hpp"

namespace ashlar {

/// What std calls BasicLockable: std::mutex, a spin lock, or null_mutex.
template <class M>
concept basic_lockable = requires(M& m) {
    m.lock();
    m.unlock();
};

/// Locks nothing: for a composition whose mutex is a parameter, used by one thread.
struct null_mutex {
    constexpr void lock() noexcept {}
    constexpr void unlock() noexcept {}
};

/// @pre Mutex::lock throws nothing
template <allocator A, basic_lockable Mutex>
class locked {
public:
    static constexpr bool is_thread_safe = !std::same_as<Mutex, null_mutex> || thread_safe<A>;
    static constexpr bool deallocate_is_optional = optional_deallocate<A>;

    explicit locked(ref<A> upstream) noexcept : upstream_(upstream) {}
    locked() noexcept
        requires stateless<A>
    = default;
    locked(const locked&) = delete;
    locked& operator=(const locked&) = delete;

    result<block> allocate(layout l) noexcept {
        const hold here(mutex_);
        return upstream_->allocate(l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        const hold here(mutex_);
        upstream_->deallocate(p, l);
    }
    result<block> grow_in_place(std::byte* p, layout old, layout now) noexcept
        requires growable<A>
    {
        const hold here(mutex_);
        return upstream_->grow_in_place(p, old, now);
    }
    result<block> shrink_in_place(std::byte* p, layout old, layout now) noexcept
        requires shrinkable<A>
    {
        const hold here(mutex_);
        return upstream_->shrink_in_place(p, old, now);
    }
    result<block> reallocate(std::byte* p, layout old, layout now, std::size_t live_bytes) noexcept
        requires reallocating<A>
    {
        const hold here(mutex_);
        return upstream_->reallocate(p, old, now, live_bytes);
    }
    result<block> allocate_zeroed(layout l) noexcept
        requires zeroing<A>
    {
        const hold here(mutex_);
        return upstream_->allocate_zeroed(l);
    }
    void reset() noexcept
        requires resettable<A>
    {
        const hold here(mutex_);
        upstream_->reset();
    }
    void trim() noexcept
        requires trimmable<A>
    {
        const hold here(mutex_);
        upstream_->trim();
    }
    bool available(layout l) const noexcept
        requires forecasting<A>
    {
        const hold here(mutex_);
        return upstream_->available(l);
    }
    bool owns(const std::byte* p) const noexcept
        requires owning<A>
    {
        const hold here(mutex_);
        return upstream_->owns(p);
    }
    /// @pre visit does not use this allocator: the mutex is held
    template <class Visit>
    void for_each_free(Visit visit) const
        requires walkable<A>
    {
        const hold here(mutex_);
        upstream_->for_each_free(visit);
    }

private:
    class hold {
    public:
        explicit hold(Mutex& m) noexcept : mutex_(m) { mutex_.lock(); }
        ~hold() { mutex_.unlock(); }
        hold(const hold&) = delete;
        hold& operator=(const hold&) = delete;

    private:
        Mutex& mutex_;
    };

    [[no_unique_address]] ref<A> upstream_;
    [[no_unique_address]] mutable Mutex mutex_;  // locked.I1: every operation above holds it
};

}  // namespace ashlar
