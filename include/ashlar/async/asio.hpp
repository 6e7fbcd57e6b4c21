// ashlar/async/asio.hpp - the adapter for standalone Asio 1.22 or later.
//
// Layer:      async
// Picture:    pool:   async_acquire(executor, pool, [deadline,] token) -> pool_lease<T>      token: use_awaitable, a handler, awaited
//             frames: co_await socket.async_read_some(buffer, awaited) in any coroutine, as ashlar::task
// Complexity: as pool_operation.hpp and awaited.hpp.
// Failure:    as pool_operation.hpp.
// Threads:    as pool_operation.hpp.
// Checked by: tests/async/asio_test.cpp
//
// clang before 15 needs -DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1 for use_awaitable; awaited needs nothing.
#pragma once

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/steady_timer.hpp>

#include "ashlar/async/awaited.hpp"
#include "ashlar/async/pool_operation.hpp"

namespace ashlar {

/// What of this Asio the pool's operations use.
struct asio_flavour {
    template <class Executor>
    using timer = asio::basic_waitable_timer<pool_clock, asio::wait_traits<pool_clock>, Executor>;
    template <class Signature, class Initiation, class Token, class... Arguments>
    static auto initiate(Initiation&& i, Token& token, Arguments&&... a) {
        return asio::async_initiate<Token, Signature>(std::forward<Initiation>(i), token, std::forward<Arguments>(a)...);
    }
    template <class Handler, class Executor>
    static auto executor_of(const Handler& h, const Executor& e) noexcept {
        return asio::get_associated_executor(h, e);
    }
    template <class Handler>
    static auto allocator_of(const Handler& h) noexcept {
        return asio::get_associated_allocator(h);
    }
    template <class Handler>
    static auto slot_of(const Handler& h) noexcept {
        return asio::get_associated_cancellation_slot(h);
    }
    template <class Executor>
    static auto tracked(const Executor& e) {
        return asio::prefer(e, asio::execution::outstanding_work.tracked);
    }
    template <class Executor, class Function>
    static void post(const Executor& e, Function&& f) {
        asio::post(e, std::forward<Function>(f));
    }
};

namespace asio_adapter {

/// Waits for an object of the pool; an object that is idle is granted without waiting.
template <class Executor, class T, class A, class Token>
auto async_acquire(const Executor& executor, async_pool<T, A>& pool, Token&& token) {
    return acquire_by<asio_flavour>(executor, pool, no_deadline, std::forward<Token>(token));
}
/// The same until the deadline, by a timer of its own.
template <class Executor, class T, class A, class Token>
auto async_acquire(const Executor& executor, async_pool<T, A>& pool, pool_clock::time_point until, Token&& token) {
    return acquire_by<asio_flavour>(executor, pool, until, std::forward<Token>(token));
}

}  // namespace asio_adapter
}  // namespace ashlar

namespace asio {

/// What the library asks of the token.
template <class... Results>
class async_result<ashlar::awaited_t, void(Results...)> {
public:
    template <class Initiation, class... Arguments>
    static auto initiate(Initiation&& i, ashlar::awaited_t, Arguments&&... a) {
        return ashlar::await_operation<Results...>(std::forward<Initiation>(i), std::forward<Arguments>(a)...);
    }
};

}  // namespace asio
