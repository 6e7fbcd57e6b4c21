#include "ashlar/os/stack_pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "ashlar/os/failing_pages.hpp"
#include "ashlar/os/overflow_watch.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

namespace os = ashlar::os;

namespace {
using watched_pool = os::stack_pool<os::failing_pages<>>;

ucontext_t outside, inside;
bool granted, refused;
void asks() {
    granted = os::check_stack(16 << 10);
    refused = !os::check_stack(64 << 10);
    swapcontext(&inside, &outside);
}
[[gnu::noinline]] int overflow(int depth) {
    volatile char frame[600];
    frame[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}
void overflows() { granted = overflow(0) != 0; }
void* overflows_in_thread(void*) {
    const os::overflow_watch watch;
    overflows();
    return nullptr;
}
void run_on(ashlar::block stack, void (*body)()) {
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack.data;
    inside.uc_stack.ss_size = stack.size;
    inside.uc_link = &outside;
    makecontext(&inside, body, 0);
    swapcontext(&outside, &inside);
}
/// What the act, in a child, writes to standard error before it dies of SIGSEGV; empty if it dies of another thing.
template <class Act>
std::string last_words(Act act) {
    int ends[2];
    if (pipe(ends) != 0) return "";
    const auto end = support::in_child([&] {
        dup2(ends[1], 2);
        signal(SIGSEGV, SIG_DFL);
        act();
        return 0;
    });
    close(ends[1]);
    char text[4096];
    const ssize_t n = read(ends[0], text, sizeof text);
    close(ends[0]);
    return n > 0 && end.signal == SIGSEGV ? std::string(text, static_cast<std::size_t>(n)) : "";
}
}  // namespace

TEST_CASE("stack_pool: stacks are known with their guards, and as many are kept as it was told", "[os][stack_pool]") {
    os::failing_pages<> pages;
    {
        watched_pool pool(pages, {.size = 30'000, .guard = 5000, .keep = 2, .name = "fiber"});
        std::vector<ashlar::block> stacks;
        for (int i = 0; i < 5; ++i) stacks.push_back(*pool.take());
        for (const auto& s : stacks) {
            CHECK(s.size >= 30'000);
            CHECK(reinterpret_cast<std::uintptr_t>(s.end()) % 16 == 0);
            const auto found = os::find_foreign_stack(s.data - 5000);
            CHECK(found.stack == pool.bounds_of(s));
            CHECK(std::string(found.name) == "fiber");
            s.data[0] = s.end()[-1] = std::byte{1};
        }
        const auto first = stacks[0];
        for (const auto& s : stacks) pool.give_back(s);
        CHECK(pool.kept() == 2);
        CHECK(pool.in_use() == 0);
        CHECK(os::find_foreign_stack(stacks[4].data).stack.empty());
        const std::size_t before = pages.calls();
        pool.give_back(*pool.take());
        CHECK(pages.calls() == before);
        pool.trim();
        CHECK(pages.balanced());
        CHECK(os::find_foreign_stack(first.data).stack.empty());
    }
    CHECK(pages.balanced());
}

TEST_CASE("stack_pool: a refusal loses nothing, and a guard that the system has no advice for is made by protection", "[os][stack_pool]") {
    using enum os::page_call;
    for (const auto how : {os::lasting::once, os::lasting::onwards}) {
        for (const auto call : {reserve, commit, advise, protect}) {
            os::failing_pages<> pages;
            watched_pool pool(pages, {.keep = 0});
            const auto one = pool.take();
            REQUIRE(one);
            pages.fail(call, 1, how);
            const auto two = pool.take();
            pages.heal();
            CHECK(two.has_value() == (call == advise || call == protect));
            if (two) pool.give_back(*two);
            CHECK(pool.in_use() == 1);
            pool.give_back(*one);
            CHECK(pages.balanced());
        }
    }
    os::failing_pages<> pages;
    watched_pool pool(pages);
    pages.fail(3, os::lasting::onwards);  // neither advice nor protection
    CHECK_FALSE(pool.take());
    pages.heal();
    os::stack_pool<> without_end({.size = static_cast<std::size_t>(-1) - 100});
    CHECK_FALSE(without_end.take());
    os::stack_pool<> beyond({.size = std::size_t{1} << 50});
    CHECK_FALSE(beyond.take());
}

TEST_CASE("stack_pool: a coroutine on such a stack asks for what is left, and its overflow is told by name", "[os][stack_pool]") {
    if (support::sanitized) return;  // which must be told when a stack is changed, and tells of overflows itself
    os::stack_pool<> pool({.size = 32 << 10, .name = "fiber 7"});
    const auto stack = pool.take();
    REQUIRE(stack);
    run_on(*stack, asks);
    CHECK(granted);
    CHECK(refused);
    CHECK(os::stack_peak(pool.bounds_of(*stack)) <= 16 << 10);
    const auto words = last_words([&] {
        const os::overflow_watch watch;
        run_on(*stack, overflows);
    });
    CHECK(words.find("below the stack 'fiber 7' of 3") != std::string::npos);
    pool.give_back(*stack);
}

TEST_CASE("stack_pool: a thread runs on such a stack, and its overflow is told by name", "[os][stack_pool]") {
    if (support::sanitized) return;
    const auto words = last_words([] {
        os::stack_pool<> pool({.size = 64 << 10, .name = "worker"});
        const auto stack = pool.take();
        pthread_attr_t about;
        pthread_attr_init(&about);
        pthread_t thread;
        if (!stack || pthread_attr_setstack(&about, stack->data, stack->size) != 0) return;
        if (pthread_create(&thread, &about, &overflows_in_thread, nullptr) != 0) return;
        pthread_join(thread, nullptr);
    });
    CHECK(words.find("below the stack 'worker' of 6") != std::string::npos);
}
