#include "ashlar/os/overflow_watch.hpp"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <thread>

#include "ashlar/os/foreign_stack.hpp"
#include "ashlar/os/platform.hpp"
#include "support/in_child.hpp"
#include "support/sanitizer.hpp"

namespace os = ashlar::os;

namespace {
[[gnu::noinline]] int overflow(int depth) {
    volatile char frame[600];
    frame[0] = static_cast<char>(depth);
    return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}
struct told {
    support::child_end end;
    std::string text;
};
/// The act in a child that is watched, and what it writes to standard error.
template <class Act>
told watched(Act act) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    told t{support::in_child([&] {
               dup2(ends[1], 2);
               signal(SIGSEGV, SIG_DFL);  // Catch's is none of this
               return act();
           }), ""};
    close(ends[1]);
    char buffer[4096];
    for (ssize_t n = read(ends[0], buffer, sizeof buffer); n > 0; n = read(ends[0], buffer, sizeof buffer)) {
        t.text.append(buffer, static_cast<std::size_t>(n));
    }
    close(ends[0]);
    return t;
}
bool has(const told& t, const char* what) { return t.text.find(what) != std::string::npos; }

sigjmp_buf back;
int seen = 0;
void leave(int, siginfo_t*, void*) { siglongjmp(back, 1); }
void plain(int) { _exit(42); }
ucontext_t outside, inside;
}  // namespace

TEST_CASE("overflow_watch: an overflow in main, in a thread and in a coroutine is told, and kills as before", "[os][overflow_watch]") {
    if (support::sanitized) return;  // its own handler tells
    const auto in_main = watched([] {
        const os::overflow_watch watch;
        return overflow(0);
    });
    CHECK(in_main.end.signal == SIGSEGV);
    CHECK(has(in_main, "ashlar: stack overflow in thread "));
    CHECK(has(in_main, "bytes below its stack of 8"));
    CHECK(has(in_main, "\n    ... "));
    const auto in_thread = watched([] {
        std::thread([] {
            const os::overflow_watch watch;
            seen = overflow(0);
        }).join();
        return 0;
    });
    CHECK(in_thread.end.signal == SIGSEGV);
    CHECK(has(in_thread, "bytes below its stack of "));
    const auto in_coroutine = watched([] {
        const os::overflow_watch watch;
        const std::size_t page = os::page_size();
        const auto memory = os::reserve(17 * page, page);
        if (!memory || !os::commit(memory->data + page, 16 * page)) return 1;
        const os::foreign_stack known({memory->data + page, memory->end(), page, false}, "fiber 7");
        getcontext(&inside);
        inside.uc_stack.ss_sp = memory->data + page;
        inside.uc_stack.ss_size = 16 * page;
        inside.uc_link = &outside;
        makecontext(&inside, reinterpret_cast<void (*)()>(&overflow), 1, 0);
        return swapcontext(&outside, &inside);
    });
    CHECK(in_coroutine.end.signal == SIGSEGV);
    CHECK(has(in_coroutine, "below the stack 'fiber 7' of 65536 bytes"));
}

TEST_CASE("overflow_watch: what is no overflow is not told and reaches the handler before ours", "[os][overflow_watch]") {
    if (support::sanitized) return;
    const auto wild = watched([] {
        signal(SIGSEGV, plain);
        const os::overflow_watch watch;
        const auto memory = os::reserve(os::page_size(), os::page_size());
        *static_cast<volatile std::byte*>(memory->data) = std::byte{1};
        return 0;
    });
    CHECK(wild.end.status == 42);
    CHECK(wild.text.empty());
    const auto ignored = watched([] {
        signal(SIGSEGV, SIG_IGN);
        const os::overflow_watch watch;
        raise(SIGSEGV);
        return 7;
    });
    CHECK(ignored.end.status == 7);
    CHECK(ignored.text.empty());
}

TEST_CASE("overflow_watch: a handler before ours may leave, and the next overflow is told too", "[os][overflow_watch]") {
    if (support::sanitized) return;
    const auto twice = watched([] {
        struct sigaction first {};
        first.sa_sigaction = leave;
        first.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &first, nullptr);
        const os::overflow_watch watch;
        if (sigsetjmp(back, 1) == 0 || ++seen < 2) overflow(0);
        return seen;
    });
    CHECK(twice.end.status == 2);
    CHECK(twice.text.find("stack overflow") != twice.text.rfind("stack overflow"));
}

namespace {
[[gnu::noinline]] int allocate_at_the_end() {
    volatile char frame[64];
    frame[0] = 1;
    if (os::stack_left() > 400) return allocate_at_the_end() + frame[0];
    for (int i = 0; i < 100; ++i) static_cast<void>(*static_cast<void* volatile*>(static_cast<void*>(std::malloc(5000u << i % 9))));
    return frame[0];
}
void overflow_again(int) { seen = overflow(0); }
}  // namespace

TEST_CASE("overflow_watch: an overflow inside malloc, during another, or of two threads at once does not hang", "[os][overflow_watch]") {
    if (support::sanitized) return;
    const auto in_malloc = watched([] {
        const os::overflow_watch watch;
        return allocate_at_the_end();
    });
    CHECK(in_malloc.end.signal == SIGSEGV);
    CHECK(has(in_malloc, "stack overflow"));
    CHECK(has(in_malloc, "libc.so"));
    const auto during = watched([] {
        signal(SIGSEGV, overflow_again);
        const os::overflow_watch watch;
        return overflow(0);
    });
    CHECK(during.end.signal == SIGSEGV);
    CHECK(has(during, "stack overflow"));
    const auto both = watched([] {
        const auto go = [] {
            const os::overflow_watch watch;
            seen = overflow(0);
        };
        std::thread one(go), two(go);
        one.join();
        two.join();
        return 0;
    });
    CHECK(both.end.signal == SIGSEGV);
    CHECK(has(both, "stack overflow"));
}
