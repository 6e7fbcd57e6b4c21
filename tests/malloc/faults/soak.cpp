// Everything at once, every byte checked: soak.cpp SECONDS [SEED [THREADS]].
//
// Threads allocate, zeroed, aligned and not, grow and shrink, hand blocks to each other, trim, end and begin again; the
// first thread forks meanwhile. Every block is filled with a pattern that follows from its address and size, and checked when it is
// freed, moved or met by another thread. After each round everything is freed: what is resident must not have grown.
// A round takes its numbers from SEED and its own number, and prints both; the same seed makes the same requests.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "../program/expect.hpp"
#include "pattern.hpp"
#include "resident.hpp"

using namespace faults;

namespace {

constexpr std::size_t most_threads = 64, slots = 128;
double end_of_round = 0;
std::atomic<unsigned long> operations{0};
std::atomic<unsigned char*> shared[slots];  // blocks of 16 bytes and more; the first word tells the size

double now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::size_t some_size(numbers& next) {
    const std::size_t kind = next.below(1000);
    return next.below(kind < 700 ? 257 : kind < 900 ? 2049 : kind < 980 ? 16'000 : kind < 996 ? 200'000
                      : kind < 999 ? 2'000'000 : 9'000'000);
}

held take(numbers& next) {
    held b{nullptr, some_size(next)};
    const std::size_t how = next.below(10);
    std::size_t align = 16;
    if (how < 2) {
        b.p = static_cast<unsigned char*>(calloc(1, b.size));
        EXPECT(b.p != nullptr && all_zero(b.p, b.size));
    } else if (how == 2) {
        align = std::size_t{16} << next.below(13);
        void* p = nullptr;
        EXPECT(posix_memalign(&p, align, b.size) == 0);
        b.p = static_cast<unsigned char*>(p);
    } else {
        b.p = static_cast<unsigned char*>(malloc(b.size));
    }
    EXPECT(b.p != nullptr && reinterpret_cast<std::uintptr_t>(b.p) % align == 0);
    EXPECT(malloc_usable_size(b.p) >= b.size);
    fill(b);
    return b;
}

void resize(numbers& next, held& b) {
    const std::size_t size = next.one_in(3) ? some_size(next) : b.size + next.below(b.size / 2 + 64);
    auto* q = static_cast<unsigned char*>(realloc(b.p, size));
    EXPECT(q != nullptr);
    EXPECT(intact(b, q, size < b.size ? size : b.size));
    b = {q, size};
    fill(b);
}

/// Puts b into a slot and takes what was there, if anything. The size goes along in the block itself.
held swap(numbers& next, held b) {
    const auto mark = [](const unsigned char* p) { return reinterpret_cast<std::uintptr_t>(p) * 0x9e3779b97f4a7c15u; };
    const std::uint64_t head = b.size ^ mark(b.p);
    std::memcpy(b.p, &head, sizeof head);
    held got{shared[next.below(slots)].exchange(b.p), 0};
    if (got.p == nullptr) return got;
    std::uint64_t word = 0;
    std::memcpy(&word, got.p, sizeof word);
    got.size = static_cast<std::size_t>(word ^ mark(got.p));
    EXPECT(got.size >= sizeof word && got.size < 20'000'000);
    word = word_at(key_of(got), 0);
    std::memcpy(got.p, &word, sizeof word);  // as it was filled
    return got;
}

void step(numbers& next, held& b) {
    if (b.p == nullptr) {
        b = take(next);
        return;
    }
    EXPECT(intact(b));
    if (next.one_in(4)) return resize(next, b);
    if (b.size >= 16 && next.one_in(4)) {
        b = swap(next, b);
        if (b.p == nullptr) return;
        EXPECT(intact(b));
    }
    errno = 99;
    free(b.p);
    EXPECT(errno == 99);
    b = {};
}

void let_go(held* mine, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (mine[i].p != nullptr) EXPECT(intact(mine[i]));
        free(mine[i].p);
        mine[i] = {};
    }
}

/// A thread works a while, then its place is taken by the next.
void* generation(void* seed) {
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    constexpr std::size_t count = 400;
    thread_local held mine[count];
    const unsigned long steps = 1000 + next.below(20'000);
    for (unsigned long i = 0; i < steps && (i % 64 != 0 || now() < end_of_round); ++i) step(next, mine[next.below(count)]);
    if (next.one_in(4)) malloc_trim(0);
    let_go(mine, count);
    operations += steps;
    return nullptr;
}
void* generations(void* seed) {
    numbers next(reinterpret_cast<std::uintptr_t>(seed));
    while (now() < end_of_round) {
        pthread_t thread{};
        EXPECT(pthread_create(&thread, nullptr, &generation, reinterpret_cast<void*>(next())) == 0);
        pthread_join(thread, nullptr);
    }
    return nullptr;
}

void fork_once(numbers next, held* mine, std::size_t count) {
    const pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        alarm(300);
        for (auto& slot : shared) free(slot.exchange(nullptr));
        for (int i = 0; i < 2000; ++i) step(next, mine[next.below(count)]);
        let_go(mine, count);
        malloc_trim(0);
        _exit(0);
    }
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT(status == 0);
}

/// @returns what is resident when everything has been freed
long round(std::uint64_t seed, std::size_t threads, double seconds, unsigned long& forks) {
    end_of_round = now() + seconds;
    pthread_t workers[most_threads];
    numbers next(seed);
    for (std::size_t t = 0; t < threads; ++t) {
        EXPECT(pthread_create(&workers[t], nullptr, &generations, reinterpret_cast<void*>(next())) == 0);
    }
    held mine[100];
    while (now() < end_of_round) {
        for (int i = 0; i < 300; ++i) step(next, mine[next.below(100)]);
        fork_once(numbers(next()), mine, 100);
        ++forks;
        usleep(20'000);
    }
    for (std::size_t t = 0; t < threads; ++t) pthread_join(workers[t], nullptr);
    let_go(mine, 100);
    for (auto& slot : shared) free(slot.exchange(nullptr));
    malloc_trim(0);
    return resident_kib();
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 2;
    const std::uint64_t seed = argc > 2 ? strtoull(argv[2], nullptr, 0) : 1;
    const std::size_t threads = argc > 3 ? strtoul(argv[3], nullptr, 0) : 4;
    EXPECT(threads >= 1 && threads <= most_threads);
    const double end = now() + seconds;
    const double length = seconds < 20 ? seconds / 2 : 10;
    long first = 0;
    unsigned long forks = 0;
    for (std::uint64_t n = 0; n == 0 || now() + length / 2 < end; ++n) {
        if (seconds > 20) std::printf("  round %lu, seed %lu: ", static_cast<unsigned long>(n), static_cast<unsigned long>(seed)), fflush(stdout);
        const long resident = round(seed * 1'000'003 + n, threads, length, forks);
        if (seconds > 20) std::printf("%lu operations and %lu forks so far, %ld KiB resident\n", operations.load(), forks, resident);
        if (n == 0) first = resident;
        EXPECT(resident < first + 8192);  // nothing is lost from round to round
    }
    std::printf("every byte as it should be: %lu operations, %lu forks, %zu threads, seed %lu\n", operations.load(), forks,
                threads, static_cast<unsigned long>(seed));
}
