// Tasks: laziness, results, exceptions, long chains, and tasks that nobody awaits.
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>

#include "ashlar/async/task.hpp"

using namespace ashlar;

namespace {

task<int> number(int n) { co_return n; }
task<std::unique_ptr<int>> owner() { co_return std::make_unique<int>(7); }
task<> failing() {
    throw std::runtime_error("as asked");
    co_return;
}
/// Suspends, and tells how to go on.
struct paused {
    std::coroutine_handle<>& to;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const noexcept { to = h; }
    void await_resume() const noexcept {}
};

}  // namespace

TEST_CASE("task: begins when it is awaited and hands its value on", "[async][task]") {
    int sum = 0;
    const auto add = [](int& to) -> task<> {
        auto later = number(1);
        to += co_await number(40) + co_await std::move(later) + 1;
    };
    auto t = add(sum);
    CHECK(sum == 0);
    start(std::move(t));
    CHECK(sum == 42);
}

TEST_CASE("task: values that can only be moved and exceptions reach who awaits", "[async][task]") {
    int got = 0;
    bool caught = false;
    start([](int& to, bool& threw) -> task<> {
        to = *co_await owner();
        try {
            co_await failing();
        } catch (const std::runtime_error&) {
            threw = true;
        }
    }(got, caught));
    CHECK(got == 7);
    CHECK(caught);
}

TEST_CASE("task: one that waits goes on where it is resumed, and its frame goes at its end", "[async][task]") {
    std::coroutine_handle<> waiting;
    auto shared = std::make_shared<int>(0);
    start([](std::coroutine_handle<>& to, std::shared_ptr<int> count) -> task<> {
        co_await paused{to};
        ++*count;
    }(waiting, shared));
    CHECK(shared.use_count() == 2);
    waiting.resume();
    CHECK(*shared == 1);
    CHECK(shared.use_count() == 1);
}

TEST_CASE("task: one that is never awaited gives back what it was called with", "[async][task]") {
    auto shared = std::make_shared<int>(0);
    {
        auto t = [](std::shared_ptr<int> held) -> task<> {
            ++*held;
            co_return;
        }(shared);
        CHECK(shared.use_count() == 2);
    }
    CHECK(shared.use_count() == 1);
    CHECK(*shared == 0);
}
