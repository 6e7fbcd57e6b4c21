// Coroutine frames from any allocator: named by function, member and lambda; refused; given back to whom they came from.
#include <catch2/catch.hpp>
#include <coroutine>
#include <memory_resource>

#include "ashlar/async/framed_promise.hpp"

using namespace ashlar;

namespace {

/// Counts what is out of the host's memory.
struct counting {
    result<block> allocate(layout l) noexcept {
        if (refuses) return alloc_error{};
        ++granted;
        ++live;
        return system::allocate(l);
    }
    void deallocate(std::byte* p, layout l) noexcept {
        --live;
        system::deallocate(p, l);
    }
    int granted = 0, live = 0;
    bool refuses = false;
};

/// Suspended at its beginning: the frame leaves this file's sight, so that no compiler leaves it out.
template <on_refusal Refusal>
struct coroutine {
    struct promise_type : framed_promise<Refusal> {
        coroutine get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {}
    };
    std::coroutine_handle<> handle;
    void end() {
        __asm__ volatile("" : "+r"(handle) : : "memory");
        handle.destroy();
    }
};
struct quiet : coroutine<on_refusal::returns_null> {
    struct promise_type : framed_promise<on_refusal::returns_null> {
        quiet get_return_object() noexcept { return {{std::coroutine_handle<promise_type>::from_promise(*this)}}; }
        static quiet get_return_object_on_allocation_failure() noexcept { return {{nullptr}}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {}
    };
};
using loud = coroutine<on_refusal::throws>;

loud plain() { co_return; }
template <class A>
loud from(std::allocator_arg_t, A&, int) { co_return; }
template <class A>
loud from_copy(std::allocator_arg_t, A) { co_return; }
template <class A>
quiet quiet_from(std::allocator_arg_t, A&) { co_return; }
template <class A>
quiet quiet_from_copy(std::allocator_arg_t, A) { co_return; }

struct service {
    loud serve(std::allocator_arg_t, counting&) { co_return; }
};

}  // namespace

TEST_CASE("framed_promise: function, member and lambda have their frames from the allocator that they name", "[async][framed_promise]") {
    counting a;
    auto f = from(std::allocator_arg, a, 1);
    auto m = service{}.serve(std::allocator_arg, a);
    const auto lambda = [](std::allocator_arg_t, counting&) -> loud { co_return; };
    auto l = lambda(std::allocator_arg, a);
    CHECK(a.live == 3);
    f.end();
    l.end();
    m.end();
    CHECK(a.live == 0);
}

TEST_CASE("framed_promise: a memory resource and a std allocator serve too, and have everything back", "[async][framed_promise]") {
    struct resource : std::pmr::memory_resource {
        void* do_allocate(std::size_t size, std::size_t align) override {
            ++live;
            return std::pmr::new_delete_resource()->allocate(size, align);
        }
        void do_deallocate(void* p, std::size_t size, std::size_t align) override {
            --live;
            std::pmr::new_delete_resource()->deallocate(p, size, align);
        }
        bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
        int live = 0;
    } memory;
    auto by_pointer = from_copy(std::allocator_arg, &memory);
    auto by_allocator = from_copy(std::allocator_arg, std::pmr::polymorphic_allocator<>(&memory));
    auto by_std = from_copy(std::allocator_arg, std::allocator<char>());
    CHECK(memory.live == 2);
    by_pointer.end();
    by_allocator.end();
    by_std.end();
    CHECK(memory.live == 0);
}

TEST_CASE("framed_promise: without a name the thread's scope decides, and a name wins over it", "[async][framed_promise]") {
    counting scope_a, named;
    ambient_frames scope(scope_a);
    auto p = plain();
    auto n = from(std::allocator_arg, named, 2);
    CHECK(scope_a.live == 1);
    CHECK(named.live == 1);
    p.end();
    n.end();
    CHECK(scope_a.live + named.live == 0);
}

TEST_CASE("framed_promise: a refused frame is an exception, or the promise's answer, and nothing is kept", "[async][framed_promise]") {
    counting a;
    a.refuses = true;
    CHECK_THROWS_AS(from(std::allocator_arg, a, 3), std::bad_alloc);
    CHECK(quiet_from(std::allocator_arg, a).handle == nullptr);
    CHECK(quiet_from_copy(std::allocator_arg, std::pmr::null_memory_resource()).handle == nullptr);
    CHECK_THROWS_AS(from_copy(std::allocator_arg, std::pmr::null_memory_resource()), std::bad_alloc);
    {
        ambient_frames scope(a);
        CHECK_THROWS_AS(plain(), std::bad_alloc);
    }
    CHECK(a.granted == 0);
    a.refuses = false;
    auto served = quiet_from(std::allocator_arg, a);
    CHECK(a.live == 1);
    served.end();
    CHECK(a.live == 0);
}
