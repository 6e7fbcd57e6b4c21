// src/observe/stacks/threads.cpp - libashlar-stacks.so: watches each thread begin and end, and tells at exit how deep it went.
//
// Layer:      observe
// Source:     pthread_create(3), pthread_key_create(3), pthread_atfork(3).
// Picture:    pthread_create -> begin(): bounds, an own beginning of the peak -> the program's function -> ends(): the peak
// Complexity: some system calls at the beginning and the end of a thread; nothing between.
// Failure:    a thread for which there is no memory runs unwatched, and is counted.
// Threads:    any.
// Checked by: tests/tool/run_test.py
//
// Threads that the C library makes for itself (timer_create, getaddrinfo_a) do not pass here. What is told, and in which
// form, is ASHLAR_STACKS=text or json. A process that is killed or leaves by _exit tells nothing.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "ashlar/os/platform.hpp"
#include "ashlar/os/stack_bounds.hpp"
#include "table.hpp"

#define ASHLAR_EXPORT [[gnu::visibility("default")]]

namespace ashlar::stacks {
namespace {

struct watched {
    watched* next = nullptr;
    watched* previous = nullptr;
    os::stack_bounds stack;
    long thread = 0;
    unsigned passes = 0;  ///< of the thread's destructors that are over
    bool own_memory = true;  ///< the C library's, below which nobody keeps anything
    void* (*routine)(void*) = nullptr;
    int (*routine_of_c11)(void*) = nullptr;
    void* argument = nullptr;
};

// All of it under the lock.
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
constinit watched* running = nullptr;
constinit watched* spare = nullptr;
constinit table ended;
constinit pthread_t first_thread = 0;
constinit bool have_first = true;  ///< not in a child that another thread has forked

constinit pthread_key_t key = 0;
constinit bool have_key = false;

class holding {
public:
    holding() noexcept { pthread_mutex_lock(&lock); }
    ~holding() { pthread_mutex_unlock(&lock); }
    holding(const holding&) = delete;
    holding& operator=(const holding&) = delete;
};

/// Gets room for some more. @returns false where there is no memory
bool refill() noexcept {
    constexpr std::size_t size = 64 << 10;
    const auto room = os::reserve(size, os::page_size());
    if (!room) return false;
    if (!os::commit(room->data, size)) {
        os::release(room->data, size);
        return false;
    }
    for (std::size_t at = 0; at + sizeof(watched) <= size; at += sizeof(watched)) {
        auto* const w = ::new (static_cast<void*>(room->data + at)) watched;
        w->next = spare;
        spare = w;
    }
    return true;
}

/// @returns null where there is no memory
watched* take() noexcept {
    const holding guard;
    if (!have_key || (spare == nullptr && !refill())) {
        ++ended.unseen;
        return nullptr;
    }
    watched* const w = spare;
    spare = w->next;
    *w = watched();
    return w;
}
void give_back(watched* w) noexcept {
    const holding guard;
    w->next = spare;
    spare = w;
}

void link(watched* w) noexcept {
    w->next = running;
    w->previous = nullptr;
    if (running != nullptr) running->previous = w;
    running = w;
}
void unlink(watched* w) noexcept {
    (w->previous != nullptr ? w->previous->next : running) = w->next;
    if (w->next != nullptr) w->next->previous = w->previous;
}

/// In the new thread, before anything of the program's.
void settle(watched* w) noexcept {
    const int saved = errno;
    w->thread = syscall(SYS_gettid);
    w->stack = os::own_stack();
    if (w->own_memory) os::restart_stack_peak();  // what a thread before has left, on a stack that is used again
    pthread_setspecific(key, w);
    {
        const holding guard;
        link(w);
    }
    errno = saved;
}

// Neither may be noexcept: pthread_exit and cancellation unwind through them.
void* begin(void* p) {
    auto* const w = static_cast<watched*>(p);
    settle(w);
    return w->routine(w->argument);
}
int begin_c11(void* p) {
    auto* const w = static_cast<watched*>(p);
    settle(w);
    return w->routine_of_c11(w->argument);
}

void ends(void* p) noexcept {
    auto* const w = static_cast<watched*>(p);
    // The program's own destructors may go deep too: ours is called last as far as can be.
    if (++w->passes + 1 < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(key, w) == 0) return;
    stack_use use{{}, w->thread, w->stack.size(), os::stack_peak(w->stack), true};
    prctl(PR_GET_NAME, use.name);
    const holding guard;
    unlink(w);
    ended.add(use);
    w->next = spare;
    spare = w;
}

/// In a child, where the thread that has forked is the only one.
void begin_child() noexcept {
    lock = PTHREAD_MUTEX_INITIALIZER;
    running = spare = nullptr;
    ended.clear();
    if (auto* const w = static_cast<watched*>(pthread_getspecific(key)); w != nullptr) {
        w->thread = syscall(SYS_gettid);
        link(w);
        have_first = false;
    }
}

void name_of(long thread, char (&name)[16]) noexcept {
    char path[64] = "/proc/self/task/";
    char digits[24];
    std::size_t at = sizeof digits - 1;
    for (digits[at] = '\0'; thread != 0; thread /= 10) digits[--at] = static_cast<char>('0' + thread % 10);
    std::strcat(std::strcat(path, digits + at), "/comm");
    const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const long n = syscall(SYS_read, file, name, sizeof name - 1);
    syscall(SYS_close, file);
    if (n > 0 && name[n - 1] == '\n') name[n - 1] = '\0';
}

stack_use look_at(long thread, const os::stack_bounds& stack) noexcept {
    stack_use use{{}, thread, stack.size(), os::stack_peak(stack), false};
    name_of(thread, use.name);
    return use;
}

/// A signal handler that calls exit() may have interrupted who holds the lock: it is not waited for without end.
bool lock_soon() noexcept {
    for (int i = 0; i < 1000; ++i) {
        if (pthread_mutex_trylock(&lock) == 0) return true;
        const timespec moment{0, 1'000'000};
        syscall(SYS_nanosleep, &moment, nullptr);
    }
    return false;
}

void tell() noexcept {
    if (!lock_soon()) return;
    stack_use first{};
    if (have_first) first = look_at(getpid(), os::stack_of(first_thread));
    for (const watched* w = running; w != nullptr; w = w->next) ended.add(look_at(w->thread, w->stack));
    const char* const form = getenv("ASHLAR_STACKS");
    const stack_use* const shown = have_first ? &first : nullptr;
    if (form != nullptr && std::strcmp(form, "json") == 0) {
        ended.print_json(shown);
    } else {
        ended.print_text(shown);
    }
    pthread_mutex_unlock(&lock);  // a library that is ended after us may wait for its threads
}

[[gnu::constructor]] void start() noexcept {
    first_thread = pthread_self();
    have_key = pthread_key_create(&key, &ends) == 0;
    pthread_atfork(nullptr, nullptr, &begin_child);
    os::keep_standard_error();
    atexit(&tell);
}

template <class Function>
Function next_one(std::atomic<Function>& known, const char* name) noexcept {
    auto next = known.load(std::memory_order_relaxed);  // whoever looks first, all find the same
    if (next == nullptr) known.store(next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name)), std::memory_order_relaxed);
    return next;
}
constinit std::atomic<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)> next_pthread_create{nullptr};
constinit std::atomic<int (*)(thrd_t*, int (*)(void*), void*)> next_thrd_create{nullptr};

/// Whether a thread with these attributes gets its stack from the C library.
bool has_stack_of_library(const pthread_attr_t* attributes) noexcept {
    void* low = nullptr;
    std::size_t size = 0;
    if (attributes == nullptr || pthread_attr_getstack(attributes, &low, &size) != 0) return attributes == nullptr;
    return reinterpret_cast<std::uintptr_t>(low) + size == 0;  // where none was set, it would end at null
}

}  // namespace
}  // namespace ashlar::stacks

namespace own = ashlar::stacks;

extern "C" {

ASHLAR_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*routine)(void*), void* argument) noexcept {
    auto* const next = own::next_one(own::next_pthread_create, "pthread_create");
    own::watched* const w = own::take();
    if (w == nullptr) return next(thread, attributes, routine, argument);
    w->own_memory = own::has_stack_of_library(attributes);
    w->routine = routine;
    w->argument = argument;
    const int error = next(thread, attributes, &own::begin, w);
    if (error != 0) own::give_back(w);
    return error;
}

ASHLAR_EXPORT int thrd_create(thrd_t* thread, int (*routine)(void*), void* argument) {
    auto* const next = own::next_one(own::next_thrd_create, "thrd_create");
    own::watched* const w = own::take();
    if (w == nullptr) return next(thread, routine, argument);
    w->routine_of_c11 = routine;
    w->argument = argument;
    const int error = next(thread, &own::begin_c11, w);
    if (error != thrd_success) own::give_back(w);
    return error;
}

}  // extern "C"
