// bench/workloads/support.hpp - what every workload shares: arguments, random numbers, blocks that prove themselves.
//
// A workload does a fixed amount of work (argument 1 scales it, argument 2 is the number of threads), so that time
// and peak RSS of two mallocs can be compared. Every block is stamped when it is taken and checked when it is given
// back: a malloc that hands out overlapping or misaligned blocks, hands one block out twice or loses contents ends
// the workload with a message and status 3.
#pragma once

#include <sched.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
    std::fprintf(stderr, "self check failed: %s\n", what);
    std::_Exit(3);
}

inline void expect(bool held, const char* what) {
    if (!held) [[unlikely]] fail(what);
}

// A figure that only the program itself can know, such as its RSS after an idle phase; the runner collects it.
inline void report(const char* name, double value) { std::printf("figure %s %.6g\n", name, value); }

// prog [scale] [threads] [variant]
struct options {
    double scale = 1;
    int threads = 2;
    const char* variant = "";

    options(int argc, char** argv) {
        if (argc > 1) scale = std::atof(argv[1]);
        if (argc > 2) threads = std::atoi(argv[2]);
        if (argc > 3) variant = argv[3];
        expect(scale > 0 && threads > 0, "usage: PROGRAM [scale > 0] [threads > 0] [variant]");
    }
    bool is(const char* name) const { return std::strcmp(variant, name) == 0; }
    // n, scaled; never less than one.
    std::size_t times(double n) const { return n * scale < 1 ? 1 : static_cast<std::size_t>(n * scale); }
};

// splitmix64 (Steele, Lea and Flood 2014): the same sequence everywhere.
class dice {
public:
    explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    // Uniform in [0, n).
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((next() >> 32) * n >> 32); }
    // Uniform in [low, high].
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    // Small values often, large ones rarely: the density falls linearly to nothing at high.
    std::size_t falling(std::size_t low, std::size_t high) {
        const std::size_t a = between(low, high), b = between(low, high);
        return a < b ? a : b;
    }
    // Each doubling of size is half as likely as the one before, from low up to high.
    std::size_t halving(std::size_t low, std::size_t high) {
        std::size_t top = low;
        for (std::uint64_t bits = next(); (bits & 1) && top * 2 <= high; bits >>= 1) top *= 2;
        return top + below(top * 2 <= high ? top : high - top + 1);
    }

private:
    std::uint64_t state_;
};

// Where blocks come from: malloc and free, operator new and delete, or operator new and sized delete.
struct by_malloc {
    static void* get(std::size_t n) { return std::malloc(n); }
    static void put(void* p, std::size_t) { std::free(p); }
};
struct by_new {
    static void* get(std::size_t n) { return ::operator new(n); }
    static void put(void* p, std::size_t) { ::operator delete(p); }
};
struct by_sized_delete {
    static void* get(std::size_t n) { return ::operator new(n); }
    static void put(void* p, std::size_t n) { ::operator delete(p, n); }
};

// A block and its size: what the holder must know to check it.
struct piece {
    unsigned char* at = nullptr;
    std::size_t size = 0;

    explicit operator bool() const { return at != nullptr; }
    std::uint64_t mark() const { return (reinterpret_cast<std::uintptr_t>(at) ^ size) * 0x9e3779b97f4a7c15u; }
    // Both ends are stamped; of a block under 16 bytes only the front, under 8 only the first byte.
    void stamp() const {
        const std::uint64_t m = mark();
        if (size < 8) { if (size) *at = static_cast<unsigned char>(m >> 56); return; }
        std::memcpy(at, &m, 8);
        if (size >= 16) std::memcpy(at + size - 8, &m, 8);
    }
    void check() const {
        std::uint64_t m = mark(), front = m, back = m;
        if (size < 8) return expect(!size || *at == static_cast<unsigned char>(m >> 56), "a block lost its byte");
        std::memcpy(&front, at, 8);
        if (size >= 16) std::memcpy(&back, at + size - 8, 8);
        expect(front == m && back == m, "a block lost its contents");
    }
    // Write to every page in between: a program that asks for a large block uses all of it.
    void touch() const { for (std::size_t i = 4096; i + 4096 < size; i += 4096) at[i] = 1; }
    // A block that was handed out twice fails the check of its second holder.
    void spoil() const { if (size) *at = static_cast<unsigned char>(~*at); }
};

template <class Source = by_malloc>
piece take(std::size_t size) {
    const piece b{static_cast<unsigned char*>(Source::get(size)), size};
    expect(b.at != nullptr, "malloc returned null");
    const std::size_t boundary = size >= 16 ? 16 : size >= 8 ? 8 : 1;
    expect(reinterpret_cast<std::uintptr_t>(b.at) % boundary == 0, "a block is misaligned");
    b.stamp();
    return b;
}

template <class Source = by_malloc>
void give(piece& b) {
    if (!b) return;
    b.check();
    b.spoil();
    Source::put(b.at, b.size);
    b = {};
}

// Bind the calling thread, and those that it will start, to the i-th core of this process, counted round. Left to
// itself the scheduler keeps short-lived threads on their parent's core, in one run and not in the next: then the
// threads take turns, and neither contention nor time means anything.
inline void sit_on_core(int i) {
    static const cpu_set_t allowed = [] {
        cpu_set_t set;
        sched_getaffinity(0, sizeof set, &set);
        return set;
    }();
    int left = i % CPU_COUNT(&allowed);
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &allowed) || left-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

// Run body(0) ... body(n-1), each in its own thread on its own core, to the end.
template <class Body>
void in_threads(int n, Body body) {
    std::vector<std::thread> all;
    for (int i = 0; i < n; ++i) {
        all.emplace_back([&body, i] {
            sit_on_core(i);
            body(i);
        });
    }
    for (auto& t : all) t.join();
}

// Resident memory of this process in KiB, read without malloc.
inline double resident_kib() {
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    long pages = 0, resident = 0;
    expect(f && std::fscanf(f, "%ld %ld", &pages, &resident) == 2, "cannot read /proc/self/statm");
    std::fclose(f);
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace bench
