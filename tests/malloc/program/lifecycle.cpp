// Before constructors, in TLS destructors, in pthread keys that outlive them, in atexit handlers, and after that.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <thread>

#include "expect.hpp"

namespace {

void* use(size_t size) {
    auto* p = static_cast<char*>(malloc(size));
    EXPECT(p != nullptr);
    memset(p, 3, size);
    free(malloc(size * 2 + 1));
    return p;
}

void* early = nullptr;
[[gnu::constructor(101)]] void before_constructors() { early = use(5000); }

struct in_constructor {
    void* p = use(300);
    ~in_constructor() {
        free(p);
        free(use(1000));
    }
} a_static;

pthread_key_t key;
int rounds = 0;
void key_destructor(void* p) {
    free(p);
    free(use(70'000));
    if (++rounds % 4 != 0) pthread_setspecific(key, use(64));  // asks to be called again, to the last round
}

struct at_thread_exit {
    void* p = use(100);
    ~at_thread_exit() {
        free(p);
        keep = use(200);
    }
    static inline void* volatile keep = nullptr;
};

void thread_body() {
    thread_local at_thread_exit object;
    EXPECT(object.p != nullptr);
    pthread_setspecific(key, use(64));
}

void at_exit() {
    free(use(100));
    free(use(3'000'000));
}

}  // namespace

int main() {
    atexit(&at_exit);
    EXPECT(pthread_key_create(&key, &key_destructor) == 0);
    for (int i = 0; i < 50; ++i) {
        std::thread(&thread_body).join();
        free(at_thread_exit::keep);  // from a thread that has ended
    }
    EXPECT(rounds >= 50);
    // Keys beyond the first 32 make the C library allocate in pthread_setspecific.
    pthread_key_t many[100];
    for (auto& k : many) EXPECT(pthread_key_create(&k, &free) == 0);
    std::thread([&] {
        for (auto& k : many) pthread_setspecific(k, use(48));
    }).join();
    free(early);
}
