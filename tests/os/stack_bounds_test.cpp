#include "ashlar/os/stack_bounds.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <thread>

#include "ashlar/os/platform.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

namespace os = ashlar::os;

namespace {
[[gnu::noinline]] void use(std::size_t bytes) {
    auto* const p = static_cast<char*>(__builtin_alloca(bytes));
    std::memset(p, 1, bytes);
    __asm__ volatile("" : : "r"(p) : "memory");
}
/// As deep as check_stack lets it go. @returns frames
[[gnu::noinline]] std::size_t go_down(std::size_t reserve) {
    volatile char frame[1000];
    frame[0] = 1;
    if (!os::check_stack(reserve)) return 0;
    const std::size_t deeper = go_down(reserve);
    return deeper + static_cast<std::size_t>(frame[0]);
}
}  // namespace

TEST_CASE("stack_bounds: a thread's stack holds its frames and is as large as it was asked for", "[os][stack_bounds]") {
    const char here = 0;
    const auto main_stack = os::own_stack();
    CHECK((main_stack.grows && (support::sanitized || main_stack.holds(&here))));
    CHECK(os::stack_of(pthread_self()) == main_stack);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    struct seen {
        os::stack_bounds own, by_handle;
    } s;
    pthread_t thread;
    const auto body = [](void* to) -> void* {
        static_cast<seen*>(to)->own = os::own_stack();
        static_cast<seen*>(to)->by_handle = os::stack_of(pthread_self());
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, body, &s) == 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    CHECK(s.own == s.by_handle);
    CHECK_FALSE(s.own.grows);
    CHECK(s.own.guard >= os::page_size());
    if (!support::sanitized) CHECK((s.own.size() > (200u << 10) && s.own.size() <= (256u << 10)));
}

TEST_CASE("stack_bounds: what check_stack grants can be used to the last byte, in main and in a thread", "[os][stack_bounds]") {
    if (support::sanitized) return;  // its frames are larger than what is compiled in here
    const auto to_the_end = [] {
        const std::size_t left = os::stack_left();
        if (left == 0 || os::check_stack(left + 1)) return 1;
        if (!os::check_stack(left / 2)) return 2;
        use(left - 2048);
        return go_down(8192) > 100 ? 0 : 3;
    };
    CHECK(support::in_child(to_the_end).status == 0);
    int in_thread = 4;
    std::thread([&] { in_thread = to_the_end(); }).join();
    CHECK(in_thread == 0);
    CHECK(support::in_child([&] {  // the limit is raised while the program runs
              const rlimit less{1 << 20, 64 << 20}, more{16 << 20, 64 << 20};
              setrlimit(RLIMIT_STACK, &less);
              if (os::own_stack().size() != 1 << 20 || os::check_stack(2 << 20)) return 1;
              setrlimit(RLIMIT_STACK, &more);
              if (!os::check_stack(12 << 20)) return 2;
              use(12 << 20);
              return 0;
          }).status == 0);
}

TEST_CASE("stack_bounds: the peak is told to the page and can be restarted", "[os][stack_bounds]") {
    if (support::sanitized) return;
    std::thread([] {
        const auto stack = os::this_stack();
        const std::size_t before = os::stack_peak(stack);
        use(300 << 10);
        const std::size_t after = os::stack_peak(stack);
        CHECK(after >= 300u << 10);
        CHECK(after <= before + (300u << 10) + 2 * os::page_size());
        CHECK(os::restart_stack_peak());
        CHECK(os::stack_peak(stack) <= before + 4 * os::page_size());
    }).join();
    const auto stack = os::own_stack();
    CHECK(os::restart_stack_peak());
    const std::size_t before = os::stack_peak(stack);
    use(1 << 20);
    CHECK(os::stack_peak(stack) >= 1u << 20);
    CHECK(os::stack_peak(stack) <= before + (1u << 20) + 2 * os::page_size());
}

TEST_CASE("stack_bounds: of a huge page only what is not zero was used", "[os][stack_bounds]") {
    const std::size_t huge = os::huge_page_size() == 0 ? 2u << 20 : os::huge_page_size();
    const auto memory = os::reserve(huge, huge);
    REQUIRE((memory && os::commit(memory->data, huge)));
    os::advise(memory->data, huge, os::advice::huge_pages);
    const os::stack_bounds stack{memory->data, memory->data + huge, 0, false};
    CHECK(os::stack_peak(stack) == 0);
    memory->data[huge - 3 * os::page_size()] = std::byte{1};
    CHECK(os::stack_peak(stack) == 3 * os::page_size());
    os::release(memory->data, huge);
}
