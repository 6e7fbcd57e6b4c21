#include "ashlar/os/foreign_stack.hpp"

#include <ucontext.h>

#include <catch2/catch.hpp>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "support/sanitizer.hpp"

namespace os = ashlar::os;

namespace {
std::vector<std::byte> memory(1000 * 256);
os::stack_bounds part(std::size_t i) { return {memory.data() + 256 * i + 64, memory.data() + 256 * (i + 1), 64, false}; }

ucontext_t outside, inside;
struct {
    bool found = false, granted = false, refused = false;
} seen;
void body() {
    seen = {!os::this_stack().empty() && !os::this_stack().grows, os::check_stack(16 << 10), !os::check_stack(64 << 10)};
    swapcontext(&inside, &outside);
}
}  // namespace

TEST_CASE("foreign_stack: a stack is found by its bytes and its guard for as long as it is known", "[os][foreign_stack]") {
    std::deque<os::foreign_stack> stacks;
    for (std::size_t i = 0; i < 500; ++i) stacks.emplace_back(part(i), "one of many");
    for (std::size_t i = 0; i < 500; ++i) {
        REQUIRE(os::find_foreign_stack(part(i).low).stack == part(i));
        REQUIRE(os::find_foreign_stack(part(i).low - 1).stack == part(i));
    }
    CHECK(std::string(os::find_foreign_stack(part(7).low).name) == "one of many");
    CHECK(os::find_foreign_stack(part(500).low).stack.empty());
    stacks.pop_front();
    CHECK(os::find_foreign_stack(part(0).low).stack.empty());
    CHECK(os::next_foreign_stack(part(0).low).stack == part(1));
}

TEST_CASE("foreign_stack: threads that come and go take no other's place", "[os][foreign_stack]") {
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([t, &wrong] {
            for (int i = 0; i < 500; ++i) {
                const os::foreign_stack one(part(4 * static_cast<std::size_t>(i % 9) + t), "a"), two(part(500 + t), "b");
                if (os::find_foreign_stack(part(500 + t).low).stack != part(500 + t)) ++wrong;
            }
        });
    }
    for (auto& t : threads) t.join();
    CHECK(wrong == 0);
}

TEST_CASE("foreign_stack: a coroutine asks for what is left of its own stack, and main then of its", "[os][foreign_stack]") {
    if (support::sanitized) return;  // which must be told when a stack is changed
    alignas(16) static std::byte stack[32 << 10];
    const os::foreign_stack known({stack, stack + sizeof stack, 0, false}, "coroutine");
    CHECK(os::check_stack(100 << 10));
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof stack;
    inside.uc_link = &outside;
    makecontext(&inside, body, 0);
    swapcontext(&outside, &inside);
    CHECK(seen.found);
    CHECK(seen.granted);
    CHECK(seen.refused);
    CHECK(os::check_stack(100 << 10));
}
