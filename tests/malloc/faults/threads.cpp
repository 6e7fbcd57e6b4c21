// Threads that begin and end: threads.cpp [COUNT]. Memory of threads that ended is used again, so what is resident does not follow their number.
//
// Each thread allocates, frees what the thread before it left, leaves blocks to the next one, and allocates once more while
// it ends: in destructors of thread_local objects and of keys. Two run at a time.
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "../program/expect.hpp"
#include "pattern.hpp"
#include "resident.hpp"

using namespace faults;

namespace {

constexpr std::size_t kept = 24;
struct legacy {
    held blocks[kept];
};
std::atomic<legacy*> left{nullptr};
pthread_key_t key;

void destroy(legacy* l) {
    if (l == nullptr) return;
    for (const held& b : l->blocks) {
        EXPECT(intact(b));
        free(b.p);
    }
    free(l);
}

struct at_end {
    void* p = malloc(300);
    ~at_end() {
        free(p);
        free(calloc(1, 20'000));
    }
};

void key_ends(void* p) {
    free(p);
    free(malloc(500));
}

void* body(void* seed) {
    thread_local at_end object;
    EXPECT(object.p != nullptr);
    pthread_setspecific(key, malloc(40));
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    auto* mine = static_cast<legacy*>(malloc(sizeof(legacy)));
    for (held& b : mine->blocks) {
        const std::size_t size = 1 + next.below(next.one_in(8) ? 30'000 : 500);
        b = {static_cast<unsigned char*>(malloc(size)), size};
        EXPECT(b.p != nullptr);
        fill(b);
    }
    destroy(left.exchange(mine));
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    const long count = argc > 1 ? atol(argv[1]) : 4000;
    EXPECT(pthread_key_create(&key, &key_ends) == 0);
    long warm = 0;
    for (long i = 0; i < count; i += 2) {
        pthread_t two[2];
        for (long t = 0; t < 2; ++t) {
            EXPECT(pthread_create(&two[t], nullptr, &body, reinterpret_cast<void*>(i + t + 1)) == 0);
        }
        for (auto& thread : two) pthread_join(thread, nullptr);
        if (i == count / 10 * 2 / 2) warm = resident_kib();
    }
    destroy(left.exchange(nullptr));
    const long now = resident_kib();
    if (now >= warm + 4096) std::printf("resident: %ld KiB after a tenth of the threads, %ld KiB in the end\n", warm, now);
    EXPECT(now < warm + 4096);
}
