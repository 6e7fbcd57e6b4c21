// Memory at the edges of the lives of threads, of the process and of libraries: ends.cpp LIBRARY [COUNT].
//
// Before main, in destructors of thread_local objects and of keys to the last round, in atexit handlers and static
// destructors; and a library that is opened and closed in a loop, which allocates in its constructors and destructors, in
// objects of its own per thread, and leaves blocks that outlive it.
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

held take(std::size_t size) {
    const held b{static_cast<unsigned char*>(malloc(size)), size};
    EXPECT(b.p != nullptr);
    fill(b);
    free(malloc(2 * size + 1));
    return b;
}
void give(const held& b) {
    EXPECT(intact(b));
    free(b.p);
}

held early;
[[gnu::constructor(101)]] void before_constructors() { early = take(5000); }

struct until_the_end {
    held b = take(300);
    ~until_the_end() {
        give(b);
        give(take(100'000));
    }
};
until_the_end a_static;

pthread_key_t key;
thread_local int rounds = 0;
void key_ends(void* p) {
    free(p);
    give(take(70'000));
    if (++rounds < 4) pthread_setspecific(key, malloc(64));  // asks for another round, to the last one
}

struct per_thread {
    held b = take(200);
    ~per_thread() {
        give(b);
        left = take(900);
    }
    static inline held left;
};

void* thread_body(void*) {
    thread_local per_thread object;
    EXPECT(object.b.p != nullptr);
    pthread_setspecific(key, malloc(64));
    return nullptr;
}

void at_exit() {
    give(take(100));
    give(take(3'000'000));
}

using use_function = void* (*)(std::size_t);

struct visit_of_library {
    use_function use = nullptr;
    void* left = nullptr;
};
void* use_library(void* v) {
    auto& visit = *static_cast<visit_of_library*>(v);
    visit.left = visit.use(700);
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    EXPECT(argc >= 2);
    const long count = argc > 2 ? atol(argv[2]) : 300;
    atexit(&at_exit);
    EXPECT(pthread_key_create(&key, &key_ends) == 0);
    for (int i = 0; i < 50; ++i) {
        pthread_t thread{};
        EXPECT(pthread_create(&thread, nullptr, &thread_body, nullptr) == 0);
        pthread_join(thread, nullptr);
        give(per_thread::left);  // of a thread that has ended
    }
    void* kept = nullptr;
    for (long i = 0; i < count; ++i) {
        void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) std::fprintf(stderr, "%s\n", dlerror());
        EXPECT(library != nullptr);
        const auto use = reinterpret_cast<use_function>(dlsym(library, "visitor_use"));
        EXPECT(use != nullptr);
        free(kept);
        kept = use(static_cast<std::size_t>(i) % 3000 + 1);
        visit_of_library visit{reinterpret_cast<use_function>(dlsym(library, "visitor_use_in_thread"))};
        if (i % 4 == 0) {
            pthread_t thread{};
            EXPECT(pthread_create(&thread, nullptr, &use_library, &visit) == 0);
            pthread_join(thread, nullptr);
        }
        EXPECT(dlclose(library) == 0);
        EXPECT(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == nullptr);  // it did go
        free(visit.left);
    }
    free(kept);
    give(early);
}
