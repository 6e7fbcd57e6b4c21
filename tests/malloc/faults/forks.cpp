// fork at any moment of threads that are all busy in malloc: forks.cpp [COUNT [SEED]].
//
// Every child checks and frees what the forking thread held, frees what other threads have put into the slots, works,
// with a thread of its own now and then, and ends; parent and child must both go on with every byte as it was. And what an idle
// thread held as free serves the child: it needs no new memory for that much.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

constexpr std::size_t threads = 4, slots = 64;
std::atomic<bool> stop{false};
std::atomic<void*> shared[slots];

held take(numbers& next) {
    const std::size_t kind = next.below(50);
    const std::size_t size = 1 + next.below(kind < 40 ? 400 : kind < 48 ? 9000 : kind < 49 ? 70'000 : 400'000);
    const held b{static_cast<unsigned char*>(next.one_in(5) ? calloc(size, 1) : malloc(size)), size};
    EXPECT(b.p != nullptr);
    fill(b);
    return b;
}

/// A step of a thread; in a child every failure ends it with 1, which the parent sees.
void step(numbers& next, held* mine, std::size_t count) {
    held& b = mine[next.below(count)];
    if (b.p == nullptr) {
        b = take(next);
        return;
    }
    EXPECT(intact(b));
    if (next.one_in(4)) {
        b.p = static_cast<unsigned char*>(shared[next.below(slots)].exchange(b.p));  // freed by whoever meets it
    }
    free(b.p);
    b = {};
}

void* busy(void* seed) {
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    held mine[120];
    for (long i = 1; !stop && i < 200'000'000; ++i) {
        step(next, mine, 120);
        if (i % 32 == 0) usleep(100);  // one or two of them are at work at any moment; the machine has other users
    }
    for (const held& b : mine) free(b.p);
    return nullptr;
}

void* childs_thread(void* seed) {
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    held mine[50];
    for (int i = 0; i < 500; ++i) step(next, mine, 50);
    for (const held& b : mine) free(b.p);
    return nullptr;
}

[[noreturn]] void child(numbers next, const held* inherited, std::size_t count, bool with_thread) {
    alarm(120);  // a child that hangs is ended, and the parent sees it
    for (auto& slot : shared) free(slot.exchange(nullptr));
    held mine[100];
    for (int i = 0; i < 500; ++i) step(next, mine, 100);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT(intact(inherited[i]));
        free(inherited[i].p);
    }
    pthread_t thread{};
    if (with_thread) EXPECT(pthread_create(&thread, nullptr, &childs_thread, reinterpret_cast<void*>(next())) == 0);
    for (int i = 0; i < 500; ++i) step(next, mine, 100);
    if (with_thread) pthread_join(thread, nullptr);
    if (with_thread) malloc_trim(0);
    for (const held& b : mine) {
        EXPECT(intact(b));
        free(b.p);
    }
    if (next.one_in(4)) exit(0);  // with the exit handlers
    _exit(0);
}

void wait_for(pid_t pid) {
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT(status == 0);
}

// --- what an idle thread holds as free ------------------------------------------------------------------------
struct meeting {
    pthread_barrier_t barrier;
};

void* hoarder(void* m) {
    constexpr std::size_t count = 300'000;
    auto** blocks = static_cast<void**>(malloc(count * sizeof(void*)));
    for (std::size_t i = 0; i < count; ++i) blocks[i] = malloc(100);
    for (std::size_t i = 0; i < count; ++i) {
        if (i % 8 != 0) free(blocks[i]);  // no span becomes empty
    }
    auto& barrier = static_cast<meeting*>(m)->barrier;
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (std::size_t i = 0; i < count; i += 8) free(blocks[i]);
    free(blocks);
    return nullptr;
}

void the_child_uses_what_threads_held() {
    meeting m;
    pthread_barrier_init(&m.barrier, nullptr, 2);
    pthread_t thread{};
    EXPECT(pthread_create(&thread, nullptr, &hoarder, &m) == 0);
    pthread_barrier_wait(&m.barrier);
    const pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        const std::size_t before = mallinfo2().arena;
        for (int i = 0; i < 250'000; ++i) EXPECT(malloc(100) != nullptr);  // 28 MB, of 29 that are free
        const std::size_t after = mallinfo2().arena;
        EXPECT(after < before + (std::size_t{2} << 20));
        _exit(0);
    }
    wait_for(pid);
    pthread_barrier_wait(&m.barrier);
    pthread_join(thread, nullptr);
    pthread_barrier_destroy(&m.barrier);
}

}  // namespace

int main(int argc, char** argv) {
    const long count = argc > 1 ? atol(argv[1]) : 60;
    const unsigned long seed = argc > 2 ? strtoul(argv[2], nullptr, 0) : 1;
    the_child_uses_what_threads_held();
    pthread_t others[threads];
    for (std::size_t t = 0; t < threads; ++t) {
        EXPECT(pthread_create(&others[t], nullptr, &busy, reinterpret_cast<void*>(seed * 1000 + t)) == 0);
    }
    numbers next(seed * 1000 + threads);
    held mine[60];
    for (long i = 0; i < count; ++i) {
        for (int k = 0; k < 200; ++k) step(next, mine, 60);
        held inherited[60];
        std::size_t live = 0;
        for (const held& b : mine) {
            if (b.p != nullptr) inherited[live++] = b;
        }
        const pid_t pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0) child(numbers(seed * 7 + static_cast<unsigned long>(i)), inherited, live, i % 8 == 0);
        for (int k = 0; k < 200; ++k) step(next, mine, 60);
        wait_for(pid);
        if (count >= 1000 && i % (count / 10) == 0) std::printf("%ld of %ld forks\n", i, count), fflush(stdout);
    }
    stop = true;
    for (auto& thread : others) pthread_join(thread, nullptr);
    for (const held& b : mine) free(b.p);
    for (auto& slot : shared) free(slot.exchange(nullptr));
}
