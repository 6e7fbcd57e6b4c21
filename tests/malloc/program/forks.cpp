// fork from one of several threads that all allocate: the child works, with threads of its own, and ends.
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "expect.hpp"

namespace {

std::atomic<bool> stop{false};
std::atomic<void*> gift{nullptr};

void busy(unsigned x) {
    std::vector<void*> mine(200, nullptr);
    for (long i = 0; !stop && i < 100'000'000; ++i) {
        x = x * 1664525u + 1013904223u;
        void*& slot = mine[(x >> 20) % mine.size()];
        free(slot);
        slot = malloc((x >> 8) % (x % 50 == 0 ? 300'000 : 2000));
        if (x % 4 == 0) slot = gift.exchange(slot);  // freed by other threads
        if (i % 64 == 0) usleep(50);                 // several of these share the machine with other tests
    }
    for (void* p : mine) free(p);
}

void child(void* inherited) {
    free(inherited);
    std::vector<char*> blocks;
    for (int i = 0; i < 3000; ++i) {
        blocks.push_back(static_cast<char*>(malloc(static_cast<size_t>(i) * 3 + 1)));
        memset(blocks.back(), i, static_cast<size_t>(i) * 3 + 1);
    }
    std::thread([&] {
        for (int i = 0; i < 1500; ++i) free(blocks[static_cast<size_t>(i)]);
    }).join();
    for (size_t i = 1500; i < 3000; ++i) {
        for (size_t k = 0; k < i * 3 + 1; k += 97) {
            if (blocks[i][k] != static_cast<char>(i)) _exit(2);
        }
        free(blocks[i]);
    }
    free(gift.exchange(nullptr));  // a block of a thread that the child does not have
    _exit(0);
}

}  // namespace

int main() {
    std::vector<std::thread> threads;
    for (unsigned t = 1; t <= 3; ++t) threads.emplace_back(&busy, t);
    for (int i = 0; i < 300; ++i) {
        void* p = malloc(100 + static_cast<size_t>(i) * 50);
        const pid_t pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0) {
            alarm(60);  // a child that hangs is ended, and the parent sees it
            child(p);
        }
        int status = 0;
        EXPECT(waitpid(pid, &status, 0) == pid);
        EXPECT(status == 0);
        free(p);
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    free(gift.load());
}
