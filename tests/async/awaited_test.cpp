// Awaiting what takes a handler, without any library: results, exceptions, memory.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <stdexcept>

#include "ashlar/async/awaited.hpp"
#include "ashlar/async/task.hpp"

using namespace ashlar;

namespace {
std::function<void()> later;

/// As a library would: keeps the handler until somebody calls it.
const auto add_later = [](auto handler, int a, std::unique_ptr<int> b) {
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    later = [kept, sum = std::make_shared<int>(*b + a)] { (*kept)(*sum); };
};
task<> adds(int& to) { to = co_await await_operation<int>(add_later, 40, std::make_unique<int>(2)); }
task<> pairs(int& to) {
    const auto [a, b] = co_await await_operation<int, int>([](auto handler) { handler(3, 4); });
    co_await await_operation<>([](auto handler) { handler(); });
    to = a * b;
}
}  // namespace

TEST_CASE("awaited: the coroutine goes on with what the handler is called with", "[async][awaited]") {
    int got = 0;
    start(adds(got));
    CHECK(got == 0);
    later();
    CHECK(got == 42);
    later = nullptr;
    start(pairs(got));
    CHECK(got == 12);
}

TEST_CASE("awaited: an operation that cannot begin throws where it is awaited", "[async][awaited]") {
    bool caught = false;
    start([](bool& threw) -> task<> {
        try {
            co_await await_operation<int>([](auto) { throw std::runtime_error("refused"); });
        } catch (const std::runtime_error&) {
            threw = true;
        }
    }(caught));
    CHECK(caught);
}

TEST_CASE("awaited: an operation's first block lies in it, others and large ones elsewhere", "[async][awaited]") {
    operation_memory memory;
    operation_allocator<char> a(memory);
    const auto within = [&](char* p) {
        return reinterpret_cast<std::byte*>(p) >= reinterpret_cast<std::byte*>(&memory) &&
               reinterpret_cast<std::byte*>(p) < reinterpret_cast<std::byte*>(&memory + 1);
    };
    char* const first = a.allocate(100);
    char* const second = a.allocate(100);
    CHECK(within(first));
    CHECK_FALSE(within(second));
    a.deallocate(first, 100);
    char* const large = a.allocate(257);
    CHECK_FALSE(within(large));
    CHECK(a.allocate(256) == first);
    a.deallocate(first, 256);
    a.deallocate(second, 100);
    a.deallocate(large, 257);
}
