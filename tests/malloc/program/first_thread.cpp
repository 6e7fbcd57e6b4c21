// A process of one thread tells the C library nothing of itself; what it makes up for when a second thread comes: the first
// one's heap is given up when that thread ends, and forks are safe at whatever moment they are.
#include <ashlar/malloc/malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "expect.hpp"

namespace {

void use() {
    for (size_t size = 16; size < 3000; size += 160) {
        void* const p = malloc(size);
        EXPECT(p != nullptr);
        free(memset(p, 1, size));
    }
}
void* use_as_thread(void*) {
    use();
    return nullptr;
}
pthread_t with_thread() {
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, &use_as_thread, nullptr) == 0);
    return thread;
}

/// The thread of a process forks while its second comes to malloc for the first time; the child has a second thread too.
void fork_beside_a_beginner() {
    const pthread_t thread = with_thread();
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        use();
        pthread_join(with_thread(), nullptr);
        if (const pid_t grandchild = fork(); grandchild != 0) {
            int status = 1;
            waitpid(grandchild, &status, 0);
            _exit(status != 0);
        }
        use();
        pthread_join(with_thread(), nullptr);
        _exit(0);
    }
    EXPECT(child > 0);
    int status = 1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    pthread_join(thread, nullptr);
}

std::atomic<bool> second_has_come{false};

void* see_the_first_end(void* first) {
    use();
    second_has_come = true;
    pthread_join(*static_cast<pthread_t*>(first), nullptr);
    static char text[1 << 16];
    static size_t length = 0;
    ashlar_malloc_write_stats(ashlar_stats_json, [](void*, const char* piece, size_t n) {
        if (length + n < sizeof text) memcpy(text + length, piece, n);
        length += n;
    }, nullptr);
    EXPECT(strstr(text, "\"ended\"") != nullptr);
    exit(0);
}

}  // namespace

int main() {
    use();
    for (int i = 0; i < 100; ++i) {  // each a process that has had one thread only
        const pid_t child = fork();
        if (child == 0) {
            fork_beside_a_beginner();
            _exit(0);
        }
        int status = 1;
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    static pthread_t first = pthread_self();
    pthread_t second;
    EXPECT(pthread_create(&second, nullptr, &see_the_first_end, &first) == 0);
    while (!second_has_come) sched_yield();
    for (int i = 0; i < 5000; ++i) EXPECT(malloc(64) != nullptr);  // comes to a slow path
    pthread_exit(nullptr);
}
