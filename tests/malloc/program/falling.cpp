// What is resident falls when a phase of a program has ended: while it calls malloc a thousand times a second, with no
// thread of the malloc's own; and of other threads, after malloc_trim, when they next take memory.
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "expect.hpp"

namespace {

/// KiB that are resident; without malloc.
long resident() {
    char text[128] = {};
    const int file = open("/proc/self/statm", O_RDONLY);
    EXPECT(read(file, text, sizeof text - 1) > 0);
    close(file);
    return atol(strchr(text, ' ')) * sysconf(_SC_PAGESIZE) / 1024;
}

void peak_and_small_talk() {
    constexpr size_t blocks = 240'000, size = 100;
    auto** all = static_cast<void**>(malloc(blocks * sizeof(void*)));
    for (size_t i = 0; i < blocks; ++i) memset(all[i] = malloc(size), 1, size);
    const long peak = resident();
    for (size_t i = 0; i < blocks; ++i) free(all[i]);
    free(all);
    for (int ms = 0; ms < 2000 && resident() > peak / 4; ++ms) {
        void* const p = malloc(64);
        memset(p, 1, 64);
        free(p);
        usleep(900);
    }
    EXPECT(resident() <= peak / 4);
}

std::atomic<int> step{0};
void wait_for(int n) {
    while (step != n) usleep(500);
}
void* hoarder(void*) {
    static void* blocks[64];
    for (size_t size = 1500; size < 60'000; size += size / 5) {  // a few of each of the larger classes stand ready then
        for (size_t i = 0; i < 65'000 / size; ++i) memset(blocks[i] = malloc(size), 1, size);
        for (size_t i = 0; i < 65'000 / size; ++i) free(blocks[i]);
    }
    step = 1;
    wait_for(2);
    for (void*& p : blocks) p = malloc(1000);
    for (void* p : blocks) free(p);
    step = 3;
    wait_for(4);
    return nullptr;
}

void trim_reaches_other_threads() {
    pthread_t thread{};
    EXPECT(pthread_create(&thread, nullptr, &hoarder, nullptr) == 0);
    wait_for(1);
    const long before = resident();
    malloc_trim(0);
    step = 2;
    wait_for(3);
    EXPECT(resident() < before - 500);
    step = 4;
    pthread_join(thread, nullptr);
}

}  // namespace

int main() {
    peak_and_small_talk();
    trim_reaches_other_threads();
}
