#include "subject.hpp"

#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <coroutine>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace subject {
namespace {

volatile int kept;  // after each call, so that no call is a jump

struct call {
    visit what;
    void* with;
    bool done = false;
    void operator()() {
        if (done) return;
        done = true;
        what(with);
        kept = 1;
    }
};
thread_local call* current;

}  // namespace

[[gnu::noinline]] void recurse(int depth, visit v, void* with) {
    char room[24];
    std::memset(room, depth, sizeof room);
    kept = room[depth & 7];
    if (depth > 0) recurse(depth - 1, v, with);
    else v(with);
    kept = room[3];
}

void in_qsort(visit v, void* with) {
    call c{v, with};
    current = &c;
    int numbers[] = {3, 1, 2, 5, 4};
    qsort(numbers, 5, sizeof(int), [](const void* a, const void* b) {
        (*current)();
        return *static_cast<const int*>(a) - *static_cast<const int*>(b);
    });
}

void in_sort(visit v, void* with) {
    call c{v, with};
    std::vector<int> numbers;
    for (int i = 0; i < 100; ++i) numbers.push_back(i * 7 % 31);
    std::sort(numbers.begin(), numbers.end(), [&c](int a, int b) {
        c();
        return a < b;
    });
}

namespace {
struct leaves {
    call& c;
    ~leaves() { c(); }
};
[[gnu::noinline]] void thrower(call& c, int n) {
    leaves l{c};
    if (n > 0) throw std::runtime_error("thrown");
    kept = n;
}
}  // namespace

void while_throwing(visit v, void* with) {
    call c{v, with};
    try {
        thrower(c, 1);
    } catch (const std::runtime_error&) {
        kept = 2;
    }
}

void in_catch(visit v, void* with) {
    call c{v, with, true};
    try {
        thrower(c, 1);
    } catch (const std::runtime_error&) {
        v(with);
        kept = 2;
    }
}

[[gnu::noinline]] void with_alloca(int size, visit v, void* with) {
    auto* room = static_cast<volatile char*>(alloca(static_cast<std::size_t>(size)));
    room[0] = 1;
    v(with);
    kept = room[0];
}

[[gnu::noinline]] void realigned(visit v, void* with) {
    alignas(64) volatile char room[64];
    room[0] = 1;
    auto* more = static_cast<volatile char*>(alloca(static_cast<std::size_t>(kept & 63) + 1));
    more[0] = 1;
    v(with);
    kept = room[0] + more[0];
}

namespace {
void handler(int) {
    (*current)();
}
}  // namespace

void in_signal_handler(visit v, void* with, bool own_stack) {
    call c{v, with};
    current = &c;
    stack_t old{}, mine{};
    std::vector<char> room(1 << 16);
    mine.ss_sp = room.data();
    mine.ss_size = room.size();
    if (own_stack) sigaltstack(&mine, &old);
    struct sigaction action {}, before {};
    action.sa_handler = handler;
    action.sa_flags = own_stack ? SA_ONSTACK : 0;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, nullptr);
    if (own_stack) sigaltstack(&old, nullptr);
}

namespace {
struct task {
    struct promise_type {
        task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::abort(); }
    };
    std::coroutine_handle<promise_type> handle;
};
task run(visit v, void* with) {
    co_await std::suspend_always{};
    v(with);
    kept = 3;
}
}  // namespace

void in_coroutine(visit v, void* with) {
    task t = run(v, with);
    t.handle.resume();
    t.handle.resume();
    t.handle.destroy();
}

namespace {
ucontext_t here, there;
void made() { (*current)(); }
}  // namespace

void on_made_stack(visit v, void* with) {
    call c{v, with};
    current = &c;
    constexpr std::size_t bytes = 1 << 16;
    void* room = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    getcontext(&there);
    there.uc_stack.ss_sp = room;
    there.uc_stack.ss_size = bytes;
    there.uc_link = &here;
    makecontext(&there, made, 0);
    swapcontext(&here, &there);
    munmap(room, bytes);
}

void in_thread(visit v, void* with, std::size_t stack_bytes) {
    call c{v, with};
    pthread_attr_t how;
    pthread_attr_init(&how);
    pthread_attr_setstacksize(&how, stack_bytes);
    pthread_t thread;
    if (pthread_create(&thread, &how, [](void* p) -> void* {
            (*static_cast<call*>(p))();
            return nullptr;
        }, &c) != 0) {
        std::abort();
    }
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&how);
}

namespace {
void run_code(const unsigned char* code, std::size_t size, visit v, void* with) {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(page, code, size);
    reinterpret_cast<void (*)(visit, void*)>(page)(v, with);
    kept = 4;
    munmap(page, 4096);
}
}  // namespace

void from_made_code(visit v, void* with) {
    // sub $56, %rsp; xor %ebp, %ebp would break the caller: rbp is kept on the stack, and then no frame pointer
    static const unsigned char code[] = {0x55, 0x48, 0x83, 0xEC, 0x30, 0xBD, 0x01, 0x00, 0x00, 0x00, 0x48, 0x89, 0xF8, 0x48,
                                         0x89, 0xF7, 0xFF, 0xD0, 0x48, 0x83, 0xC4, 0x30, 0x5D, 0xC3};
    run_code(code, sizeof code, v, with);
}

void from_made_code_with_frame(visit v, void* with) {
    // push %rbp; mov %rsp, %rbp; sub $32, %rsp; mov %rdi, %rax; mov %rsi, %rdi; call *%rax; leave; ret
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xE5, 0x48, 0x83, 0xEC, 0x20, 0x48, 0x89, 0xF8,
                                         0x48, 0x89, 0xF7, 0xFF, 0xD0, 0xC9, 0xC3};
    run_code(code, sizeof code, v, with);
}

}  // namespace subject
