// A program with call sites to be ruled: its own functions in every way that a rule may name them. It prints what it saw.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#define ALONE extern "C" __attribute__((noinline, visibility("default")))

ALONE void* wrapped(std::size_t size) {
    void* const p = std::malloc(size);
    if (p == nullptr) std::abort();
    return p;
}
ALONE void* node_of(std::size_t size) {
    void* const p = wrapped(size);
    std::memset(p, 1, size);
    return p;
}
ALONE void* text_of(std::size_t size) {
    void* const p = wrapped(size);
    std::memset(p, 2, size);
    return p;
}
ALONE long* made() {
    auto* const p = new long(7);
    asm volatile("" : : "r"(p) : "memory");
    return p;
}
ALONE void* cleared() {
    void* const p = std::calloc(3, 40);
    asm volatile("" : : "r"(p) : "memory");
    return p;
}
ALONE void* grown(void* old, std::size_t size) {
    void* const p = std::realloc(old, size);
    asm volatile("" : : "r"(p) : "memory");
    return p;
}

namespace {

bool is_zero(const void* p, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        if (static_cast<const char*>(p)[i] != 0) return false;
    }
    return true;
}

/// Blocks of every site, freed by this thread and by others, in no order; then the same in a child.
int work(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < 3000; ++i) {
            blocks.push_back(i % 3 == 0 ? node_of(i % 200) : i % 3 == 1 ? text_of(100) : cleared());
            if (i % 3 == 2 && !is_zero(blocks.back(), 120)) return 1;
            if (i % 5 == 0) blocks.back() = grown(blocks.back(), 50 + i);
            if (malloc_usable_size(blocks.back()) > 9000) return 2;
            delete made();
        }
        std::thread other([&] {
            for (std::size_t i = 0; i < blocks.size(); i += 2) std::free(blocks[i]);
            std::free(node_of(10));
        });
        other.join();
        for (std::size_t i = 1; i < blocks.size(); i += 2) std::free(blocks[i]);
    }
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::string_view what = count > 1 ? words[1] : "work";
    if (what == "twice") {
        void* const p = node_of(30);
        void* const q = node_of(30);
        std::free(p);
        std::free(p);
        return q == nullptr ? 1 : 0;
    }
    if (what == "plugin") {
        void* const library = dlopen(words[2], RTLD_NOW);
        const auto take = library == nullptr ? nullptr : reinterpret_cast<void* (*)(std::size_t)>(dlsym(library, "plugin_make"));
        if (take == nullptr) return 3;
        std::vector<void*> kept;
        for (int i = 0; i < 3000; ++i) kept.push_back(take(2000));
        for (void* p : kept) std::free(p);
        return 0;
    }
    if (const int wrong = work(what == "much" ? 100 : 2)) return wrong;
    const pid_t child = fork();
    if (child == 0) _exit(work(1));
    int status = 1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 9;
}
