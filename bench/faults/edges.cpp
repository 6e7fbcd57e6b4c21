// edges - what the process's malloc answers at its edges: a line `question<TAB>answer` each, `!` before what breaks a rule.
//
// Each question is asked in a process of its own, which may die of it. The rules are those of docs/malloc.md, "The edges".
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>
#include <new>
#include <thread>

namespace {

volatile size_t huge = SIZE_MAX, most = PTRDIFF_MAX;
void* const untouched = reinterpret_cast<void*>(0x1234);
char in_static[256];

const char* told(const void* p) {
    if (p != nullptr) return "!granted";
    return errno == ENOMEM ? "NULL, ENOMEM" : errno == EINVAL ? "NULL, EINVAL" : "!NULL, errno 0";
}
template <class T>
T* hidden(T* p) {
    T* volatile q = p;
    return q;
}

const char* too_large() { return told(malloc(most + 1)); }
const char* calloc_overflow() { return told(calloc(size_t{1} << 33, size_t{1} << 33)); }
const char* reallocarray_overflow() { return told(reallocarray(nullptr, huge / 2, 3)); }
const char* bad_aligned() {
    const char* const word = told(aligned_alloc(24, 48));
    return strcmp(word, "NULL, ENOMEM") == 0 ? "!NULL, ENOMEM" : word;
}
const char* odd_multiple() { return aligned_alloc(64, 100) != nullptr ? "granted" : "refused"; }
const char* bad_posix() {
    void* p = untouched;
    errno = 42;
    if (posix_memalign(&p, 24, 64) != EINVAL) return "!accepted";
    return p != untouched ? "!EINVAL, pointer changed" : errno != 42 ? "!EINVAL, errno changed" : "EINVAL";
}
const char* huge_posix() {
    void* p = untouched;
    errno = 42;
    if (posix_memalign(&p, 64, most - 5000) != ENOMEM) return "!accepted";
    return p != untouched ? "!ENOMEM, pointer changed" : errno != 42 ? "!ENOMEM, errno changed" : "ENOMEM";
}
const char* realloc_to_nothing() {
    void* const p = hidden(realloc(hidden(malloc(100)), 0));
    return p == nullptr ? "!NULL" : "a block";
}
const char* realloc_too_large() {
    char* const p = hidden(static_cast<char*>(malloc(100)));
    memset(p, 7, 100);
    errno = 0;
    if (realloc(p, most - 5000) != nullptr) return "!granted";
    for (int i = 0; i < 100; ++i) if (hidden(p)[i] != 7) return "!contents lost";
    free(hidden(p));
    return errno == ENOMEM ? "kept, ENOMEM" : "!kept, errno 0";
}
const char* zero_unique() {
    void *p = malloc(0), *q = malloc(0);
    return p != nullptr && q != nullptr && p != q ? "unique" : "!not unique";
}
const char* free_and_errno() {
    for (const size_t size : {size_t{10}, size_t{20'000}, size_t{500'000}, size_t{50'000'000}}) {
        void* const p = malloc(size);
        memset(p, 1, size);
        errno = 42;
        free(hidden(p));
        if (errno != 42) return "!changed";
    }
    return "kept";
}
const char* usable_is_usable() {
    for (size_t size = 1; size < 100'000; size += 97) {
        char* const p = hidden(static_cast<char*>(malloc(size)));
        const size_t all = malloc_usable_size(p);
        if (all < size) return "!too small";
        memset(p, 1, all);
        free(hidden(p));
    }
    return "all of it";
}
const char* new_too_large() {
    try {
        return hidden(operator new(most - 5000)) != nullptr ? "!granted" : "!NULL";
    } catch (const std::bad_alloc&) { return "bad_alloc"; }
}
// What is misused ends the process where it is found; to come back is to have ignored it.
const char* stack_free() {
    char on_stack[256];
    free(hidden(on_stack + 64));
    return "!ignored";
}
const char* static_free() { free(hidden(in_static + 64)); return "!ignored"; }
const char* interior_free() { free(hidden(static_cast<char*>(malloc(100)) + 16)); return "!ignored"; }
const char* double_free() {
    void* const p = hidden(malloc(100));
    free(p);
    free(hidden(p));
    return "!ignored";
}
const char* double_free_later() {
    void *const p = hidden(malloc(100)), *const q = hidden(malloc(100));
    free(p);
    free(q);
    free(hidden(p));
    return "!ignored";
}
// Lives of processes and threads.
pthread_key_t key;
void allocates(void* p) { free(p); free(hidden(malloc(5000))); }
const char* in_tls_destructor() {
    pthread_key_create(&key, allocates);
    for (int i = 0; i < 100; ++i) std::thread([] { pthread_setspecific(key, malloc(100)); }).join();
    return "works";
}
const char* freed_after_thread() {
    for (int i = 0; i < 100; ++i) {
        void* p = nullptr;
        std::thread([&] { p = malloc(300); }).join();
        free(p);
    }
    return "works";
}
const char* forks() {
    std::atomic<bool> stop{false};
    const auto churn = [&] { while (!stop) free(hidden(malloc(100 + (reinterpret_cast<uintptr_t>(&stop) >> 4) % 3000))); };
    std::thread a(churn), b(churn);
    int bad = 0;
    for (int i = 0; i < 100; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(5);
            for (int j = 0; j < 200; ++j) free(hidden(malloc(static_cast<size_t>(j) * 50)));
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        bad += status != 0;
    }
    stop = true;
    a.join();
    b.join();
    return bad == 0 ? "0 bad" : "!some bad";
}

constexpr struct {
    const char* question;
    const char* (*ask)();
} questions[] = {
    {"malloc(PTRDIFF_MAX + 1)", too_large},
    {"calloc(2^33, 2^33)", calloc_overflow},
    {"reallocarray that overflows", reallocarray_overflow},
    {"operator new(huge)", new_too_large},
    {"aligned_alloc(24, 48)", bad_aligned},
    {"aligned_alloc(64, 100)", odd_multiple},
    {"posix_memalign(24, ...)", bad_posix},
    {"posix_memalign(64, huge)", huge_posix},
    {"realloc(p, 0)", realloc_to_nothing},
    {"realloc(p, huge)", realloc_too_large},
    {"malloc(0) twice", zero_unique},
    {"errno after free", free_and_errno},
    {"malloc_usable_size", usable_is_usable},
    {"free of the stack", stack_free},
    {"free of a static", static_free},
    {"free(p + 16)", interior_free},
    {"double free, at once", double_free},
    {"double free, after another", double_free_later},
    {"malloc and free in a TLS destructor", in_tls_destructor},
    {"free after the thread that allocated", freed_after_thread},
    {"100 forks while two threads allocate", forks},
};

}  // namespace

int main() {
    for (const auto& each : questions) {
        printf("%s\t", each.question);
        fflush(stdout);
        int words[2];
        if (pipe(words) != 0) return 1;
        const pid_t child = fork();
        if (child == 0) {
            dup2(words[1], 2);
            alarm(60);
            puts(each.ask());
            fflush(stdout);
            _exit(0);
        }
        close(words[1]);
        int status = 0;
        waitpid(child, &status, 0);
        char said[200];
        const bool spoke = read(words[0], said, sizeof said) > 0;
        close(words[0]);
        if (!WIFEXITED(status)) puts(WTERMSIG(status) == SIGABRT || spoke ? "abort" : WTERMSIG(status) == SIGALRM ? "!hangs" : "!crash without a word");
    }
}
