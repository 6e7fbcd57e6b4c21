// operations - operations of a malloc again and again, for callgrind to count.
//
// Usage: operations COUNT OPERATION:SIZE...
// Each operation runs in a forked process of its own, so that none finds what another has left; it prints
// `operation NAME SIZE PROCESS`, and callgrind says under the number of the process what it counted.
// Only what stands between two TOGGLEs is counted, and only after as many rounds again have warmed the malloc up; the
// runner subtracts `nothing`, which calls functions that only return. What remains is what the malloc executes. Some
// blocks of the size stay live throughout, as in any program: some mallocs do more when the last block of a page is
// given back.

#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define TOGGLE CALLGRIND_TOGGLE_COLLECT
#else  // without the header nothing can be counted
#define TOGGLE std::_Exit(77)
#endif

namespace {

// The compiler must believe that the block is used, or it would leave out the pair.
void* keep(void* p) {
    asm volatile("" : "+r"(p) : : "memory");
    return p;
}

[[gnu::noinline]] void* take_nothing(std::size_t) {
    asm volatile("");
    return nullptr;
}
[[gnu::noinline]] void give_nothing(void*) { asm volatile(""); }

enum class part { both, first, second };

template <class Take, class Give>
void repeat(long count, part counted, Take take, Give give) {
    for (long i = -count; i < count; ++i) {
        if (i >= 0 && counted != part::second) TOGGLE;
        void* p = keep(take());
        if (i >= 0 && counted != part::both) TOGGLE;
        give(p);
        if (i >= 0 && counted != part::first) TOGGLE;
    }
}

constexpr long batch = 1000;
void* held[batch];

// A thousand blocks are taken, then all are given back in the order in which they came.
void in_batches(long count, std::size_t size) {
    for (long i = -count; i < count; i += batch) {
        if (i >= 0) TOGGLE;
        for (void*& p : held) p = keep(std::malloc(size));
        for (void* p : held) std::free(p);
        if (i >= 0) TOGGLE;
    }
}

// The same, but another thread gives them back, which has blocks of its own or never takes any. Counted is one side.
struct exchange {
    sem_t taken, given;
    long count;
    std::size_t own_block;
    bool other_side;

    void give_back() {
        if (own_block != 0) keep(std::malloc(own_block));
        for (long i = -count; i < count; i += batch) {
            while (sem_wait(&taken) != 0) {}
            if (i >= 0 && other_side) TOGGLE;
            for (void* p : held) std::free(p);
            if (i >= 0 && other_side) TOGGLE;
            sem_post(&given);
        }
    }
};

void across_threads(long count, std::size_t size, bool other_side, std::size_t own_block) {
    static exchange between;
    between.count = count;
    between.own_block = own_block;
    between.other_side = other_side;
    sem_init(&between.taken, 0, 0);
    sem_init(&between.given, 0, 0);
    pthread_t helper{};
    const auto body = [](void*) -> void* { return between.give_back(), nullptr; };
    if (pthread_create(&helper, nullptr, body, nullptr) != 0) std::_Exit(1);
    for (long i = -count; i < count; i += batch) {
        if (i >= 0 && !other_side) TOGGLE;
        for (void*& p : held) p = keep(std::malloc(size));
        if (i >= 0 && !other_side) TOGGLE;
        sem_post(&between.taken);
        while (sem_wait(&between.given) != 0) {}
    }
    pthread_join(helper, nullptr);
}

// One block that becomes an eighth shorter, then as long as it was.
void in_place(long count, std::size_t size) {
    void* p = keep(std::malloc(size));
    for (long i = -count; i < count; ++i) {
        const std::size_t next = i % 2 == 0 ? size - size / 8 : size;
        if (i >= 0) TOGGLE;
        p = keep(std::realloc(p, next));
        if (i >= 0) TOGGLE;
    }
}

bool perform(const char* name, std::size_t size, long count) {
    const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
    for (int live = 0; live < 20; ++live) keep(std::malloc(size));
    const auto take = [=] { return std::malloc(size); };
    const auto give = [](void* p) { std::free(p); };
    const auto take_new = [=] { return ::operator new(size); };
    const auto give_delete = [](void* p) { ::operator delete(p); };
    const auto give_sized = [=](void* p) { ::operator delete(p, size); };
    if (is("nothing")) repeat(count, part::both, [=] { return take_nothing(size); }, give_nothing);
    else if (is("nothing_half")) repeat(count, part::first, [=] { return take_nothing(size); }, give_nothing);
    else if (is("malloc")) repeat(count, part::first, take, give);
    else if (is("free")) repeat(count, part::second, take, give);
    else if (is("pair")) repeat(count, part::both, take, give);
    else if (is("batch")) in_batches(count, size);
    else if (is("malloc_remote")) across_threads(count, size, false, size);
    else if (is("free_remote")) across_threads(count, size, true, size);
    else if (is("free_only")) across_threads(count, size, true, 0);
    else if (is("calloc")) repeat(count, part::first, [=] { return std::calloc(1, size); }, give);
    else if (is("realloc")) repeat(count, part::both, [=] { return std::realloc(take(), size * 2); }, give);
    else if (is("realloc_in_place")) in_place(count, size);
    else if (is("aligned")) repeat(count, part::both, [=] { return std::aligned_alloc(64, size); }, give);
    else if (is("new")) repeat(count, part::first, take_new, give_delete);
    else if (is("delete")) repeat(count, part::second, take_new, give_delete);
    else if (is("sized_delete")) repeat(count, part::second, take_new, give_sized);
    else return false;
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    const long count = std::atol(argv[1]);
    for (char** each = argv + 2; *each != nullptr; ++each) {
        char* const colon = std::strchr(*each, ':');
        if (colon == nullptr) return 2;
        *colon = '\0';
        const pid_t child = fork();
        if (child == 0) {
            if (!perform(*each, static_cast<std::size_t>(std::atol(colon + 1)), count)) std::_Exit(2);
            dprintf(1, "operation %s %s %d\n", *each, colon + 1, static_cast<int>(getpid()));
            std::_Exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return 1;
        if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
    }
}
