// ashlar/async/awaited.hpp - lets any coroutine await what takes a completion handler: the operation's memory lies in its frame.
//
// Layer:      async
// Source:     Kohlhoff, "A Universal Model for Asynchronous Operations", N3747, 2013 (initiation and completion token).
// Picture:    co_await socket.async_read_some(buffer, awaited)      auto [error, size] = ...
//             frame [ ... | operation: initiation, arguments, result, 256 bytes for the library's own state | ... ]
// Complexity: nothing is allocated where the library's state fits into 256 bytes; else a frame of the thread's source.
// Failure:    as the operation tells: what the handler is called with is the value. std::bad_alloc where memory is refused.
// Threads:    the coroutine goes on where the handler is called.
// Invariants: awaited.I1  the handler is called once, after the library gave its memory back
// Checked by: tests/async/awaited_test.cpp, tests/async/asio_test.cpp
#pragma once

#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <tuple>
#include <utility>

#include "ashlar/async/thread_frames.hpp"

namespace ashlar {

/// The completion token.
struct awaited_t {};
inline constexpr awaited_t awaited{};

/// A block for one operation in a coroutine's frame; a second, or one too large, comes from the thread's source of frames.
class operation_memory {
public:
    static constexpr std::size_t room = 256;

    void* allocate(std::size_t size) {
        if (!taken_ && size <= room) {
            taken_ = true;
            return bytes_;
        }
        void* const p = allocate_frame(size);
        if (p == nullptr) throw std::bad_alloc();
        return p;
    }
    void deallocate(void* p, std::size_t size) noexcept {
        if (p != bytes_) return deallocate_frame(p, size);
        taken_ = false;
    }

private:
    alignas(16) std::byte bytes_[room];
    bool taken_ = false;
};

/// The std allocator over it, for the handler's associated allocator.
template <class T>
struct operation_allocator {
    using value_type = T;
    explicit operation_allocator(operation_memory& m) noexcept : memory(&m) {}
    template <class U>
    operation_allocator(const operation_allocator<U>& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t n) {
        static_assert(alignof(T) <= 16);
        return static_cast<T*>(memory->allocate(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept { memory->deallocate(p, n * sizeof(T)); }
    template <class U>
    friend bool operator==(const operation_allocator& a, const operation_allocator<U>& b) noexcept {
        return a.memory == b.memory;
    }
    operation_memory* memory;
};

/// What co_await waits on: the operation begins when it is awaited. It stays where it is made.
template <class Initiation, class Arguments, class... Results>
class [[nodiscard]] awaited_operation {
public:
    template <class I, class A>
    awaited_operation(I&& initiation, A&& arguments) : initiation_(std::forward<I>(initiation)), arguments_(std::forward<A>(arguments)) {}
    awaited_operation(const awaited_operation&) = delete;
    awaited_operation& operator=(const awaited_operation&) = delete;

    struct handler {
        using allocator_type = operation_allocator<void*>;
        allocator_type get_allocator() const noexcept { return allocator_type(of->memory_); }
        void operator()(Results... results) const {
            of->results_.emplace(std::move(results)...);
            of->waiting_.resume();  // awaited.I1
        }
        awaited_operation* of;
    };

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        waiting_ = h;
        std::apply([this](auto&&... a) { std::move(initiation_)(handler{this}, std::move(a)...); }, std::move(arguments_));
    }
    /// What the handler was called with: nothing, a value, or a tuple.
    auto await_resume() {
        if constexpr (sizeof...(Results) == 1) {
            return std::get<0>(std::move(*results_));
        } else if constexpr (sizeof...(Results) != 0) {
            return std::move(*results_);
        }
    }

private:
    Initiation initiation_;
    Arguments arguments_;
    std::optional<std::tuple<Results...>> results_;
    std::coroutine_handle<> waiting_;
    operation_memory memory_;
};

/// For the libraries' traits.
template <class... Results, class Initiation, class... Arguments>
auto await_operation(Initiation&& initiation, Arguments&&... arguments) {
    using all = std::tuple<std::decay_t<Arguments>...>;
    return awaited_operation<std::decay_t<Initiation>, all, std::decay_t<Results>...>(std::forward<Initiation>(initiation),
                                                                                     all(std::forward<Arguments>(arguments)...));
}

}  // namespace ashlar
