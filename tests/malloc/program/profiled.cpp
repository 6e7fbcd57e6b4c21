// Allocates known amounts from known functions; prints what was granted and what lives, for profile.py to compare.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

extern "C" {

// Named, never inlined, and not ending in the call: so that each is a frame of its own.
[[gnu::noinline]] void* small_that_stay(size_t size) {
    void* volatile p = malloc(size);
    return p;
}
[[gnu::noinline]] void* small_that_go(size_t size) {
    void* volatile p = malloc(size);
    return p;
}
[[gnu::noinline]] void* larger_that_go(size_t size) {
    void* volatile p = malloc(size);
    return p;
}
[[gnu::noinline]] void* large_that_stay(size_t size) {
    void* volatile p = malloc(size);
    return p;
}
[[gnu::noinline]] void* zeroed_that_stay(size_t size) {
    void* volatile p = calloc(1, size);
    return p;
}
}

int main(int argc, char** argv) {
    const bool fork_too = argc > 1 && strcmp(argv[1], "fork") == 0;
    std::vector<void*> kept;
    kept.reserve(1 << 20);
    std::thread([&kept] {
        for (int i = 0; i < 300'000; ++i) kept.push_back(small_that_stay(100));  // 32 MiB in blocks of 112
    }).join();
    for (int i = 0; i < 600'000; ++i) free(small_that_go(static_cast<size_t>(i) % 200));
    for (int i = 0; i < 50'000; ++i) free(larger_that_go(2000));
    for (int i = 0; i < 100; ++i) kept.push_back(large_that_stay(400'000));
    for (int i = 0; i < 20'000; ++i) {
        auto* p = static_cast<unsigned char*>(zeroed_that_stay(1500));
        for (int k = 0; k < 1500; ++k) {
            if (p[k] != 0) return 2;
        }
        memset(p, 0xff, 1500);
        kept.push_back(p);
    }
    for (int i = 0; i < 200; ++i) {  // sampled ones among them: a realloc ends a block of its function
        void* volatile p = small_that_go(static_cast<size_t>(i) * 3000);
        p = realloc(p, static_cast<size_t>(200 - i) * 5000);
        free(p);
    }
    if (fork_too) {
        const pid_t child = fork();
        if (child == 0) {
            for (void* p : kept) free(p);
            exit(0);
        }
        int status = 0;
        if (waitpid(child, &status, 0) != child || status != 0) return 3;
    }
    raise(SIGUSR2);
    for (size_t i = 0; i < kept.size(); i += 2) free(kept[i]);
    puts(fork_too ? "forked" : "done");
}
