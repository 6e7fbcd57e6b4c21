// Heaps that a program makes: used by many threads, freed from any, destroyed at once, and there in a child of fork.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "ashlar/malloc/malloc.h"
#include "expect.hpp"

namespace {

ashlar_malloc_statistics now() {
    ashlar_malloc_statistics s{};
    ashlar_malloc_stats(&s);
    return s;
}

void every_call_works() {
    ashlar_heap* const h = ashlar_heap_new();
    EXPECT(h != nullptr);
    auto* p = static_cast<unsigned char*>(ashlar_heap_calloc(h, 100, 10));
    for (int i = 0; i < 1000; ++i) EXPECT(p[i] == 0);
    memset(p, 7, 1000);
    for (size_t size : {1200u, 5000u, 300'000u, 9'000'000u, 12'000'000u, 100u}) {
        p = static_cast<unsigned char*>(ashlar_heap_realloc(h, p, size));
        EXPECT(p != nullptr && p[99] == 7 && malloc_usable_size(p) >= size && ashlar_heap_owns(h, p));
    }
    p = static_cast<unsigned char*>(realloc(p, 70'000));  // plain realloc leaves it in its heap
    EXPECT(p != nullptr && p[99] == 7 && ashlar_heap_owns(h, p));
    for (size_t align = 1; align <= 1 << 21; align *= 8) {
        void* const q = ashlar_heap_aligned(h, align, 100);
        EXPECT(reinterpret_cast<uintptr_t>(q) % align == 0 && ashlar_heap_owns(h, q));
    }
    errno = 0;
    EXPECT(ashlar_heap_aligned(h, 48, 1) == nullptr && errno == EINVAL);
    errno = 0;
    EXPECT(ashlar_heap_malloc(h, SIZE_MAX) == nullptr && errno == ENOMEM);
    errno = 0;
    EXPECT(ashlar_heap_calloc(h, SIZE_MAX / 2, 3) == nullptr && errno == ENOMEM);
    void* const other = malloc(100);
    EXPECT(!ashlar_heap_owns(h, other) && !ashlar_heap_owns(h, &errno));
    free(other);
    free(p);
    ashlar_heap_destroy(h);
    ashlar_heap_destroy(nullptr);
}

void nothing_is_left_of_a_heap() {
    const ashlar_malloc_statistics before = now();
    for (int round = 0; round < 50; ++round) {
        ashlar_heap* const h = ashlar_heap_new();
        for (size_t i = 0; i < 2000; ++i) memset(ashlar_heap_malloc(h, i * 5), 1, i * 5);
        for (int i = 0; i < 40; ++i) EXPECT(ashlar_heap_malloc(h, 100'000) != nullptr);
        EXPECT(ashlar_heap_malloc(h, 6 << 20) != nullptr);
        ashlar_heap_statistics s{};
        ashlar_heap_stats(h, &s);
        EXPECT(s.live_blocks >= 2041 && s.live_bytes >= 2000 * 5000 && s.span_bytes >= s.live_bytes);
        ashlar_heap_destroy(h);
    }
    const ashlar_malloc_statistics after = now();
    EXPECT(after.live_blocks == before.live_blocks && after.live_bytes == before.live_bytes);
    EXPECT(after.reserved_bytes < 64 << 20);
}

struct exchange {
    ashlar_heap* heap;
    std::atomic<char*> slots[64]{};
};
void* swap_blocks(void* to) {
    auto& x = *static_cast<exchange*>(to);
    static std::atomic<unsigned> seeds{1};
    unsigned random = seeds++;
    for (int i = 0; i < 60'000; ++i) {
        random = random * 1664525u + 1013904223u;
        const size_t size = 16 + (random >> 8) % (random % 97 == 0 ? 200'000 : 1500);
        char* p = static_cast<char*>(i % 3 == 0 ? malloc(size) : ashlar_heap_malloc(x.heap, size));
        EXPECT(p != nullptr);
        p[0] = p[size - 1] = static_cast<char>(size);
        memcpy(p + 1, &size, sizeof size);
        char* const old = x.slots[random % 64].exchange(p);
        if (old == nullptr) continue;
        size_t its = 0;
        memcpy(&its, old + 1, sizeof its);
        EXPECT(old[0] == static_cast<char>(its) && old[its - 1] == old[0]);
        free(old);  // of the heap or not, granted here or elsewhere
    }
    return nullptr;
}
void any_thread_frees() {
    for (int round = 0; round < 3; ++round) {
        exchange x{ashlar_heap_new()};
        pthread_t threads[4];
        for (pthread_t& t : threads) EXPECT(pthread_create(&t, nullptr, &swap_blocks, &x) == 0);
        for (pthread_t t : threads) EXPECT(pthread_join(t, nullptr) == 0);
        for (auto& slot : x.slots) {
            if (!ashlar_heap_owns(x.heap, slot)) free(slot);
        }
        ashlar_heap_destroy(x.heap);
    }
    EXPECT(now().live_bytes < 1 << 20);
}

std::atomic<bool> stop{false};
void* keep_busy(void* h) {
    while (!stop) {
        void* const p = ashlar_heap_malloc(static_cast<ashlar_heap*>(h), 200);
        void* const q = malloc(300);
        free(p);
        free(q);
    }
    return nullptr;
}
void a_child_has_them() {
    ashlar_heap* const h = ashlar_heap_new();
    pthread_t threads[2];
    for (pthread_t& t : threads) EXPECT(pthread_create(&t, nullptr, &keep_busy, h) == 0);
    for (int i = 0; i < 100; ++i) {
        char* const mine = static_cast<char*>(ashlar_heap_malloc(h, 500));
        memset(mine, i, 500);
        const pid_t pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0) {
            alarm(60);
            for (int k = 0; k < 500; ++k) {
                if (mine[k] != static_cast<char>(i)) _exit(2);
            }
            free(mine);
            for (size_t k = 0; k < 1000; ++k) {
                if (ashlar_heap_malloc(h, k) == nullptr) _exit(3);
            }
            ashlar_heap_destroy(h);
            ashlar_heap* const again = ashlar_heap_new();
            _exit(ashlar_heap_malloc(again, 100) == nullptr ? 4 : 0);
        }
        int status = 0;
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
        free(mine);
    }
    stop = true;
    for (pthread_t t : threads) EXPECT(pthread_join(t, nullptr) == 0);
    ashlar_heap_destroy(h);
}

}  // namespace

int main() {
    every_call_works();
    nothing_is_left_of_a_heap();
    any_thread_frees();
    a_child_has_them();
}
