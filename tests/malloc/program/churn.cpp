// Threads that come and go, leave blocks to others, and free what others left.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <mutex>
#include <thread>
#include <vector>

#include "expect.hpp"

namespace {

struct parcel {
    unsigned char* p;
    size_t size;
    unsigned char mark;
};
std::mutex lock;
std::vector<parcel> left;

void work(unsigned seed) {
    std::vector<parcel> mine;
    unsigned x = seed * 2654435761u + 1;
    for (int i = 0; i < 300; ++i) {
        x = x * 1664525u + 1013904223u;
        const size_t size = 1 + (x >> 8) % (i % 10 == 0 ? 40'000 : 600);
        auto* p = static_cast<unsigned char*>(malloc(size));
        const auto mark = static_cast<unsigned char>(x);
        memset(p, mark, size);
        mine.push_back({p, size, mark});
    }
    std::vector<parcel> taken;
    {
        const std::lock_guard hold(lock);
        taken.swap(left);
        left = mine;
    }
    for (const parcel& b : taken) {
        for (size_t i = 0; i < b.size; ++i) EXPECT(b.p[i] == b.mark);
        free(b.p);
    }
}

long peak_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

}  // namespace

int main() {
    long after_warm_up = 0;
    for (unsigned round = 0; round < 1000; ++round) {
        std::thread a(&work, round * 2), b(&work, round * 2 + 1);
        a.join();
        b.join();
        if (round == 200) after_warm_up = peak_kib();
    }
    // Memory of threads that ended is used again: the peak does not follow the number of threads.
    EXPECT(peak_kib() < after_warm_up + 8 * 1024);
    for (const parcel& b : left) free(b.p);
}
