// ashlar/async/pool_operation.hpp - waiting for a pool with a completion handler, a timer and a cancellation slot.
//
// Layer:      async
// Source:     Kohlhoff, "A Universal Model for Asynchronous Operations", N3747, 2013.
// Picture:    idle:     try_acquire, then the handler is posted
//             none:     operation { waiter, handler, timer } in the handler's associated memory, until both parts arrived:
//                       the pool's decision, posted to the handler's executor; the timer, fired or cancelled
// Complexity: one allocation through the handler's allocator where it has to wait, and what the library's post takes.
// Failure:    as async_pool.hpp: the lease tells. What the handler's allocator throws passes.
// Threads:    grants may come from any thread; the handler runs on its executor. Cancellation as the library has it: signals
//             are sent from that executor.
// Invariants: pool_operation.I1  the handler is called once, after the timer's handler ran and the memory went back
// Checked by: tests/async/pool_operation_test.cpp, tests/async/asio_test.cpp
//
// A Flavour names what of an Asio is used (asio.hpp, boost_asio.hpp): initiate, timer, executor_of, allocator_of, slot_of, tracked, post.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "ashlar/async/async_pool.hpp"

namespace ashlar {

template <class Flavour, class T, class Handler, class Executor>
class pool_operation : pool_waiter {
    using own_executor = decltype(Flavour::executor_of(std::declval<const Handler&>(), std::declval<const Executor&>()));
    using tracked_executor = decltype(Flavour::tracked(std::declval<const own_executor&>()));
    using timer = typename Flavour::template timer<Executor>;
    using allocator = typename std::allocator_traits<decltype(Flavour::allocator_of(std::declval<const Handler&>()))>::
        template rebind_alloc<pool_operation>;

public:
    static void begin(Handler&& handler, const Executor& executor, pool_core* core, pool_lease<T> idle, pool_clock::time_point until) {
        if (idle || core == nullptr) {
            const auto on = Flavour::executor_of(handler, executor);
            if (core == nullptr) idle = pool_lease<T>(pool_outcome::closed);
            return Flavour::post(on, granted{std::move(handler), std::move(idle)});
        }
        allocator from(Flavour::allocator_of(handler));
        pool_operation* const room = std::to_address(std::allocator_traits<allocator>::allocate(from, 1));
        pool_operation& o = *::new (static_cast<void*>(room)) pool_operation(std::move(handler), executor, *core, until);
        if (until != no_deadline) {
            o.timer_.emplace(executor, until);
            o.timer_->async_wait(timer_part{&o});
        }
        if (auto slot = Flavour::slot_of(o.handler_); slot.is_connected()) slot.assign(stop_part{&o});
        if (!core->enqueue(o)) o.decided();  // else it may be gone
    }

private:
    struct granted {
        using allocator_type = decltype(Flavour::allocator_of(std::declval<const Handler&>()));
        allocator_type get_allocator() const noexcept { return Flavour::allocator_of(handler); }
        void operator()() { std::move(handler)(std::move(lease)); }
        Handler handler;
        pool_lease<T> lease;
    };
    /// A part of the operation that the library runs.
    struct part {
        using allocator_type = decltype(Flavour::allocator_of(std::declval<const Handler&>()));
        using executor_type = own_executor;
        allocator_type get_allocator() const noexcept { return Flavour::allocator_of(of->handler_); }
        executor_type get_executor() const noexcept { return of->executor_; }
        pool_operation* of;
    };
    struct decided_part : part {
        void operator()() const {
            if (auto slot = Flavour::slot_of(this->of->handler_); slot.is_connected()) slot.clear();
            if (this->of->timer_) this->of->timer_->cancel();
            this->of->arrive();
        }
    };
    struct timer_part : part {
        template <class Error>
        void operator()(Error e) const {
            if (!e) this->of->core_.cancel(*this->of, pool_outcome::timed_out);
            this->of->arrive();
        }
    };
    struct stop_part {
        template <class Kind>
        void operator()(Kind) const {
            of->core_.cancel(*of);
        }
        pool_operation* of;
    };

    pool_operation(Handler&& handler, const Executor& executor, pool_core& core, pool_clock::time_point until)
        : pool_waiter([](pool_waiter& w) noexcept { static_cast<pool_operation&>(w).decided(); }), core_(core),
          handler_(std::move(handler)), executor_(Flavour::executor_of(handler_, executor)), work_(Flavour::tracked(executor_)),
          parts_(until == no_deadline ? 1 : 2) {
        deadline = until;
    }
    void decided() noexcept { Flavour::post(executor_, decided_part{{this}}); }

    void arrive() {
        if (parts_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // pairs with itself: the other part's work
        pool_lease<T> lease = slot != nullptr ? pool_lease<T>(core_, *slot) : pool_lease<T>(outcome);
        core_.leave(*this);
        Handler handler(std::move(handler_));
        allocator from(Flavour::allocator_of(handler));
        [[maybe_unused]] const auto work = std::move(work_);  // until the handler has run
        this->~pool_operation();
        std::allocator_traits<allocator>::deallocate(
            from, std::pointer_traits<typename std::allocator_traits<allocator>::pointer>::pointer_to(*this), 1);
        std::move(handler)(std::move(lease));  // pool_operation.I1
    }

    pool_core& core_;
    Handler handler_;
    own_executor executor_;
    tracked_executor work_;
    std::optional<timer> timer_;
    std::atomic<int> parts_;
};

/// Waits for an object until the deadline: the token's operation of signature void(pool_lease<T>).
template <class Flavour, class T, class A, class Executor, class Token>
auto acquire_by(const Executor& executor, async_pool<T, A>& pool, pool_clock::time_point until, Token&& token) {
    using signature = void(pool_lease<T>);
    return Flavour::template initiate<signature>(
        [](auto&& handler, const Executor& on, async_pool<T, A>* from, pool_clock::time_point end) {
            using operation = pool_operation<Flavour, T, std::decay_t<decltype(handler)>, Executor>;
            operation::begin(std::move(handler), on, from->core(), from->try_acquire(), end);
        },
        token, executor, &pool, until);
}

}  // namespace ashlar
