// fork in a storm: storm.cpp [COUNT [SEED]]. Eight threads hand small blocks on without a pause while the kernel copies.
//
// The child's copy of a block may be older or younger than its copy of the slot that leads there: a block may look free
// though it is not. All slots lie in one page, so the child sees them as they were at one moment: what is in one is a
// block, and nobody else's. The child must be able to free each, must not be given one of them before, and must find its
// own as they were. Between the storms the threads sleep: the machine has other users.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

constexpr std::size_t threads = 8, slots = 512, own = 200, fresh = 1500;
alignas(4096) std::atomic<void*> shared[slots];
std::atomic<bool> stop{false}, calm{true};

std::size_t any_size(numbers& next) {
    const std::size_t kind = next.below(40);
    return 1 + next.below(kind < 28 ? 200 : kind < 36 ? 1200 : kind < 39 ? 6000 : 60'000);
}

void* hands_on(void* seed) {
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    while (!stop.load(std::memory_order_relaxed)) {
        while (calm.load(std::memory_order_relaxed) && !stop.load(std::memory_order_relaxed)) usleep(200);
        auto& slot = shared[next.below(slots)];
        void* p = next.one_in(4) ? nullptr : malloc(any_size(next));
        free(slot.exchange(p));
    }
    return nullptr;
}

held take(numbers& next) {
    const std::size_t size = any_size(next);
    const held b{static_cast<unsigned char*>(malloc(size)), size};
    EXPECT(b.p != nullptr);
    fill(b);
    return b;
}

[[noreturn]] void child(numbers next, const held* mine) {
    alarm(120);  // a child that hangs is ended, and the parent sees it
    static void* there[slots];
    for (std::size_t i = 0; i < slots; ++i) there[i] = shared[i].load();
    std::sort(there, there + slots);
    static held blocks[fresh];
    for (int round = 0; round < 2; ++round) {
        for (held& b : blocks) {
            b = take(next);
            EXPECT(round == 1 || !std::binary_search(there, there + slots, static_cast<void*>(b.p)));
        }
        if (round == 0) {
            for (void* p : there) free(p);
        }
        for (const held& b : blocks) {
            EXPECT(intact(b));
            free(b.p);
        }
    }
    for (std::size_t i = 0; i < own; ++i) {
        EXPECT(intact(mine[i]));
        free(mine[i].p);
    }
    _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    const long count = argc > 1 ? atol(argv[1]) : 40;
    const unsigned long seed = argc > 2 ? strtoul(argv[2], nullptr, 0) : 1;
    pthread_t others[threads];
    for (std::size_t t = 0; t < threads; ++t) {
        EXPECT(pthread_create(&others[t], nullptr, &hands_on, reinterpret_cast<void*>(seed * 1000 + t)) == 0);
    }
    numbers next(seed * 1000 + threads);
    held mine[own];
    for (held& b : mine) b = take(next);
    for (long i = 0; i < count; ++i) {
        for (int k = 0; k < 50; ++k) {
            held& b = mine[next.below(own)];
            free(shared[next.below(slots)].exchange(b.p));
            b = take(next);
        }
        calm = false;
        usleep(300);
        const pid_t pid = fork();
        if (pid != 0) calm = true;
        EXPECT(pid >= 0);
        if (pid == 0) child(numbers(seed * 7 + static_cast<unsigned long>(i)), mine);
        int status = 0;
        EXPECT(waitpid(pid, &status, 0) == pid);
        if (status != 0) std::fprintf(stderr, "the child of fork %ld ended with %#x\n", i, static_cast<unsigned>(status));
        EXPECT(status == 0);
        if (count >= 1000 && i % (count / 10) == 0) std::printf("%ld of %ld forks\n", i, count), fflush(stdout);
    }
    stop = true;
    for (auto& thread : others) pthread_join(thread, nullptr);
    for (const held& b : mine) free(b.p);
    for (auto& slot : shared) free(slot.exchange(nullptr));
}
