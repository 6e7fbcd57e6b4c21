// ashlar/async/task.hpp - a coroutine that begins when it is awaited and hands its result to who awaits it.
//
// Layer:      async
// Source:     Lewis Baker, "C++ Coroutines: Understanding Symmetric Transfer", 2020 (P0913).
// Picture:    caller --co_await--> task ... co_return value --> caller      on one thread, without an executor
//             start(task): nobody awaits it; the frame goes when it is done
// Complexity: one frame (framed_promise.hpp) a task; begin and end each jump from coroutine to coroutine, no stack grows
//             (where the compiler makes a jump of the call: not g++ without optimisation).
// Failure:    what the body throws is thrown where it is awaited. std::bad_alloc from the call where the frame is refused. An
//             exception that leaves a started task ends the program.
// Threads:    one at a time; a task goes on where what it awaited resumes it.
// Invariants: task.I1  a task owns its frame until it is awaited to the end or started
// Checked by: tests/async/task_test.cpp
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "ashlar/async/framed_promise.hpp"

namespace ashlar {

template <class T = void>
class task;

namespace detail {

struct task_promise_base : framed_promise<> {
    /// Ends by jumping to who awaits it.
    struct last {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            return self.promise().awaiting;
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    last final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
    void throw_if_thrown() const {
        if (thrown) std::rethrow_exception(thrown);
    }

    std::coroutine_handle<> awaiting = std::noop_coroutine();
    std::exception_ptr thrown;
};

template <class T>
struct task_promise : task_promise_base {
    task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& value) {
        result.emplace(std::forward<U>(value));
    }
    T take() {
        throw_if_thrown();
        return *std::move(result);
    }
    std::optional<T> result;
};

template <>
struct task_promise<void> : task_promise_base {
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const { throw_if_thrown(); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] task {
public:
    using promise_type = detail::task_promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~task() {
        if (frame_) frame_.destroy();  // task.I1
    }

    /// Begins it. @pre it was not awaited before
    auto operator co_await() && noexcept {
        struct awaiter {
            handle frame;
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> from) const noexcept {
                frame.promise().awaiting = from;
                return frame;
            }
            T await_resume() const { return frame.promise().take(); }
        };
        ASHLAR_PRE(frame_ && !frame_.done());
        return awaiter{frame_};
    }

private:
    friend promise_type;
    explicit task(handle frame) noexcept : frame_(frame) {}
    handle frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(task<T>::handle::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept { return task<void>(task<void>::handle::from_promise(*this)); }

/// A coroutine that nobody owns: its frame goes at its end.
struct started {
    struct promise_type : framed_promise<> {
        started get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::rethrow_exception(std::current_exception()); }  // nobody takes it
    };
};
inline started start_alone(task<void> t) { co_await std::move(t); }

}  // namespace detail

/// Runs the task until it first waits, and lets it go on by itself.
inline void start(task<void> t) { detail::start_alone(std::move(t)); }

}  // namespace ashlar
