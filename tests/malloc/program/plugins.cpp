// Opens and closes a library in a loop, passing blocks in and out; then opens the malloc itself late.
#include <dlfcn.h>

#include <atomic>
#include <thread>

#include "expect.hpp"

int main(int argc, char** argv) {
    EXPECT(argc == 3);
    void* kept = nullptr;
    for (int i = 0; i < 100; ++i) {
        void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        EXPECT(library != nullptr);
        auto* take = reinterpret_cast<void* (*)(std::size_t)>(dlsym(library, "plugin_take"));
        auto* give = reinterpret_cast<void (*)(void*)>(dlsym(library, "plugin_give"));
        EXPECT(take != nullptr && give != nullptr);
        std::thread([&] { give(take(500)); }).join();
        give(std::malloc(1000));
        std::free(kept);
        kept = take(200);
        EXPECT(dlclose(library) == 0);
    }
    std::free(kept);
    // Not preloaded, this library's malloc stays unused: it must load into a running program all the same (its
    // thread-local data fit the reserve of the loader), work by its own names, and may be closed again.
    for (int i = 0; i < 20; ++i) {
        void* late = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
        if (late == nullptr) std::fprintf(stderr, "%s\n", dlerror());
        EXPECT(late != nullptr);
        auto* take = reinterpret_cast<void* (*)(std::size_t)>(dlsym(late, "malloc"));
        auto* give = reinterpret_cast<void (*)(void*)>(dlsym(late, "free"));
        std::thread([&] { give(take(5000)); }).join();
        give(take(100));
        dlclose(late);
        // A thread that used it ends after it was closed: what is to be done then is in the library.
        std::atomic<bool> used{false}, closed{false};
        void* again = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
        EXPECT(again != nullptr);
        take = reinterpret_cast<void* (*)(std::size_t)>(dlsym(again, "malloc"));
        std::thread outlives([&] {
            EXPECT(take(300) != nullptr);
            for (used = true; !closed;) std::this_thread::yield();
        });
        while (!used) std::this_thread::yield();
        dlclose(again);
        closed = true;
        outlives.join();
    }
}
