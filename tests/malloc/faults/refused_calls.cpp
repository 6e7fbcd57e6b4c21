// The system refuses the n-th call that the malloc makes of it, once and from then on, for every n of a whole run.
//
// This program exports mmap, munmap, mprotect, madvise and mremap, so the malloc's calls of them come here; those that
// the C library makes for itself (stacks, loading) do not. Every run is a process of its own: the very first call of the
// very first malloc is refused too. Without arguments it counts the calls of a clean run, then starts itself for each n.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>

#include "../program/expect.hpp"
#include "pattern.hpp"

using namespace faults;

namespace {

std::atomic<long> calls{0};
long first_refused = 0;  // 0: none
bool for_ever = false;
std::atomic<long> refusals{0};  // of malloc, seen by the program

/// Counts a call of the malloc. @returns whether it is to be refused
bool refused() {
    const long n = ++calls;
    if (first_refused == 0 || n < first_refused || (n > first_refused && !for_ever)) return false;
    errno = ENOMEM;
    return true;
}

}  // namespace

extern "C" {
#define EXPORTED __attribute__((visibility("default")))
EXPORTED void* mmap(void* at, size_t size, int access, int flags, int file, off_t from) noexcept {
    return refused() ? MAP_FAILED : reinterpret_cast<void*>(syscall(SYS_mmap, at, size, access, flags, file, from));
}
EXPORTED int munmap(void* p, size_t size) noexcept {
    return refused() ? -1 : static_cast<int>(syscall(SYS_munmap, p, size));
}
EXPORTED int mprotect(void* p, size_t size, int access) noexcept {
    return refused() ? -1 : static_cast<int>(syscall(SYS_mprotect, p, size, access));
}
EXPORTED int madvise(void* p, size_t size, int advice) noexcept {
    return refused() ? -1 : static_cast<int>(syscall(SYS_madvise, p, size, advice));
}
EXPORTED void* mremap(void* p, size_t old_size, size_t size, int flags, ...) noexcept {
    va_list rest;
    va_start(rest, flags);
    void* const to = (flags & MREMAP_FIXED) != 0 ? va_arg(rest, void*) : nullptr;
    va_end(rest);
    return refused() ? MAP_FAILED : reinterpret_cast<void*>(syscall(SYS_mremap, p, old_size, size, flags, to));
}
}

namespace {

constexpr std::size_t sizes[] = {24, 100, 700, 5000, 30'000, 64'000, 200'000, 1'000'000, 5'000'000};

held checked_block(void* p, std::size_t size) {
    if (p == nullptr) {
        EXPECT(errno == ENOMEM);
        ++refusals;
        return {};
    }
    const held b{static_cast<unsigned char*>(p), size};
    fill(b);
    return b;
}

held take(numbers& next) {
    std::size_t kind = next.below(9);
    if (kind > 5 && !next.one_in(8)) kind -= 4;  // large ones cost the time that it takes to fill them
    const std::size_t size = 1 + next.below(sizes[kind]);
    errno = 0;
    switch (next.below(4)) {
        case 0: {
            void* p = calloc(1, size);
            if (p != nullptr) EXPECT(all_zero(static_cast<unsigned char*>(p), size));
            return checked_block(p, size);
        }
        case 1: {
            void* p = nullptr;
            const std::size_t align = std::size_t{16} << next.below(14);
            const int error = posix_memalign(&p, align, size);
            EXPECT(errno == 0);
            EXPECT(error == 0 || (error == ENOMEM && p == nullptr));
            EXPECT(reinterpret_cast<std::uintptr_t>(p) % align == 0);
            errno = error;
            return checked_block(p, size);
        }
        default: return checked_block(malloc(size), size);
    }
}

void resize(numbers& next, held& b) {
    const std::size_t size = 1 + next.below(b.size + b.size / 2 + 100);
    errno = 0;
    auto* q = static_cast<unsigned char*>(realloc(b.p, size));
    if (q == nullptr) {
        EXPECT(errno == ENOMEM);
        EXPECT(intact(b));  // the block is as it was
        ++refusals;
        return;
    }
    EXPECT(intact(b, q, size < b.size ? size : b.size));
    b = {q, size};
    fill(b);
}

std::atomic<unsigned char*> passed{nullptr};  // to the other thread, which frees it

void work(numbers next, int steps) {
    held live[40];
    for (int i = 0; i < steps; ++i) {
        held& b = live[next.below(40)];
        if (b.p == nullptr) {
            b = take(next);
        } else if (next.one_in(3)) {
            resize(next, b);
        } else {
            EXPECT(intact(b));
            if (next.one_in(3)) b.p = passed.exchange(b.p);
            errno = 77;
            free(b.p);
            EXPECT(errno == 77);
            b = {};
        }
        if (i % 50 == 49) malloc_trim(0);
    }
    for (const held& b : live) {
        if (b.p != nullptr) EXPECT(intact(b));
        free(b.p);
    }
}

void* other_thread(void* rounds) {
    for (int i = 0; i < *static_cast<int*>(rounds); ++i) work(numbers(100 + static_cast<std::uint64_t>(i)), 60);
    return nullptr;
}

void run() {
    int rounds = 2;
    for (int i = 0; i < 2; ++i) {
        pthread_t thread{};
        const bool have = pthread_create(&thread, nullptr, &other_thread, &rounds) == 0;  // needs memory itself
        work(numbers(static_cast<std::uint64_t>(i) + 1), 150);
        if (have) pthread_join(thread, nullptr);
    }
    free(passed.exchange(nullptr));
    malloc_trim(0);
    // When the system grants again, so does malloc: nothing of it was lost.
    first_refused = 0;
    for (const std::size_t size : sizes) {
        void* p = malloc(size);
        EXPECT(p != nullptr);
        free(p);
    }
}

/// The kernel itself refuses all of them from the `after`-th block on, whoever calls.
void run_refused_by_kernel(int after) {
    static const sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 4, 0),     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 2, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof program / sizeof *program, const_cast<sock_filter*>(program)};
    work(numbers(9), after);
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
    work(numbers(10), 300);
    void* small = malloc(40);  // what was freed can still be had
    EXPECT(small != nullptr || after == 0);
    free(small);
}

/// @returns whether this program, started with those arguments, ended well
bool start(const char* how, long n) {
    char number[24];
    snprintf(number, sizeof number, "%ld", n);
    const pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        alarm(60);
        execl("/proc/self/exe", "refused_calls", how, number, static_cast<char*>(nullptr));
        _exit(3);
    }
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid);
    if (status != 0) std::fprintf(stderr, "with '%s %ld' it ended with status %#x\n", how, n, static_cast<unsigned>(status));
    return status == 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3) {
        const long n = atol(argv[2]);
        if (argv[1][0] == 'k') {
            run_refused_by_kernel(static_cast<int>(n));
            return 0;
        }
        run();
        EXPECT(first_refused == 0);
        return 0;
    }
    run();
    const long all = calls;
    EXPECT(all > 100);
    EXPECT(refusals == 0);
    bool well = true;
    for (const char* how : {"once", "from"}) {
        for (long n = 1; n <= all; ++n) well = start(how, n) && well;
    }
    for (long n = 0; n <= 300; n += 20) well = start("kernel", n) && well;
    if (well) std::printf("%ld calls, each refused once and from then on\n", all);
    return well ? 0 : 1;
}

// Before any constructor, and so before most of the first blocks: argv as the C library hands it to this function.
[[gnu::constructor(101)]] static void arm(int argc, char** argv) {
    if (argc != 3 || argv[1][0] == 'k') return;
    first_refused = atol(argv[2]);
    for_ever = argv[1][0] == 'f';
}
