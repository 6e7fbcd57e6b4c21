// bench/recorder/unwind.cpp - the time of one walk of the stack, by ours and by libunwind's cached walk. unwind [ROUNDS]
//
// Warm, which is what every walk but the first of a place in a program is. "compared": the stack of the walk before is still
// there, as for a loop that allocates. "new leaf": the innermost 4 frames change from walk to walk. "by rules": nothing of the
// walk before is used.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../../src/observe/unwind/unwinder.hpp"

namespace {

using ashlar::unwind::caller_of;
ashlar::unwind::unwinder walker;
int (*backtrace_of_libunwind)(void**, int) = nullptr;
void* buffer[256];
volatile int kept;

constexpr int walks = 400;
enum way { compared, new_leaf, by_rules, libunwind, ways };
constexpr const char* names[] = {"compared", "new leaf", "by rules", "libunwind"};
std::vector<double> times[ways];

[[gnu::noinline]] void ours() { walker.walk(caller_of(__builtin_frame_address(0)), 256); }
[[gnu::noinline]] int leaf(int depth, int odd) {
    volatile char room[16] = {};
    if (depth == 0) {
        ours();
    } else if (odd != 0) {
        kept = leaf(depth - 1, odd) + room[1];
    } else {
        kept = leaf(depth - 1, odd) + room[2] + 1;
    }
    return room[0];
}

[[gnu::noinline]] void measure() {
    for (int w = 0; w < ways; ++w) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < walks; ++i) {
            switch (w) {
                case compared: ours(); break;
                case new_leaf: kept = leaf(3, i & 1); break;
                case by_rules: walker.forget(); ours(); break;
                default: kept = backtrace_of_libunwind != nullptr ? backtrace_of_libunwind(buffer, 256) : 0;
            }
        }
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
        times[w].push_back(took.count() / walks);
    }
}

[[gnu::noinline]] int recurse(int depth, int rounds) {
    volatile char room[24] = {};
    if (depth > 0) {
        kept = recurse(depth - 1, rounds);
    } else {
        for (int i = 0; i < rounds; ++i) measure();
    }
    return room[depth & 7];
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
    if (void* library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL)) {
        backtrace_of_libunwind = reinterpret_cast<int (*)(void**, int)>(dlsym(library, "unw_backtrace"));
    }
    ashlar::unwind::rules.prepare();
    for (int depth : {5, 15, 35, 60}) {
        for (auto& t : times) t.clear();
        kept = recurse(depth, rounds);
        ours();
        for (int w = 0; w < ways; ++w) {
            if (w == libunwind && backtrace_of_libunwind == nullptr) continue;
            std::sort(times[w].begin(), times[w].end());
            std::printf("{\"frames\": %d, \"way\": \"%s\", \"ns\": %.1f}\n", depth + 5, names[w], times[w][times[w].size() / 2]);
        }
    }
}
