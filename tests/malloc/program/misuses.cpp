// misuses CASE SIZE - misuses the process's malloc once, in the way that CASE names, with blocks of SIZE bytes.
//
// Ends with 0 and `went on` when nothing stopped it, then with whether what it holds has been harmed: `harmed` is worse
// than a crash. What a malloc finds out ends it by abort or, where a page may not be touched, by a fault.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <thread>

namespace {

char in_static[4096];
volatile char sink;

/// So that the compiler knows nothing of a pointer.
template <class T>
[[gnu::noinline]] T* opaque(T* p) {
    T* volatile hidden = p;
    return hidden;
}
char* grant(std::size_t size) { return opaque(static_cast<char*>(malloc(size))); }
void end(void* p) { free(opaque(p)); }

/// Neighbours on both sides, known by what they hold.
struct neighbours {
    static constexpr int count = 8;
    explicit neighbours(std::size_t size) : bytes(size) {
        for (char*& p : held) memset(p = grant(size), 0x3c, size);
    }
    bool harmed() const {
        for (const char* p : held) {
            for (std::size_t i = 0; i < bytes; ++i) {
                if (p[i] != 0x3c) return true;
            }
        }
        return false;
    }
    /// As a program goes on: it frees what it has and is granted more. @returns whether two blocks overlap
    bool go_on() {
        for (char* p : held) end(p);
        for (int i = 0; i < count; ++i) memset(held[i] = grant(bytes), i, bytes);
        for (int i = 0; i < count; ++i) {
            if (held[i][0] != i || held[i][bytes - 1] != i) return true;
        }
        for (int i = 0; i < 2000; ++i) end(grant(bytes));
        return false;
    }
    std::size_t bytes;
    char* held[count];
};

/// More of the size than a list or a quarantine of a few holds, so that what was freed is used again or looked at.
void use_again(std::size_t size) {
    const int count = size > 60'000 ? 100 : static_cast<int>((4u << 20) / size) + 100;
    char** const blocks = static_cast<char**>(malloc(sizeof(char*) * static_cast<std::size_t>(count)));
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < count; ++i) blocks[i] = grant(size);
        for (int i = 0; i < count; ++i) end(blocks[i]);
    }
    free(blocks);
}

void writes(const std::string& how, char* p, std::size_t size) {
    if (how == "overflow-1") p[size] = opaque(p)[size] ^ 0x41;
    if (how == "overflow-16") memset(opaque(p) + size, 0x41, 16);
    if (how == "overflow-page") memset(opaque(p) + size, 0x41, 4096 + 64);
    if (how == "underflow-1") p[-1] = opaque(p)[-1] ^ 0x41;
    if (how == "underflow-16") memset(opaque(p) - 16, 0x41, 16);
    if (how == "write-after-free" || how == "write-after-free-first" || how == "read-after-free") {
        end(p);
        if (how == "write-after-free") opaque(p)[size / 2 + 8] ^= 0x41;
        if (how == "write-after-free-first") opaque(p)[0] ^= 0x41;
        if (how == "read-after-free") sink = opaque(p)[size / 2];
        use_again(size);
    }
}

void frees(const std::string& how, char* p, std::size_t size) {
    char on_stack[256];
    if (how == "double-free") end(p), end(p);
    if (how == "double-free-later") {
        char* const q = grant(size);
        end(p), end(q), end(p);
    }
    if (how == "double-free-by-thread") {
        end(p);
        std::thread([=] { end(p); }).join();
    }
    if (how == "interior-free") end(p + 16);
    if (how == "unaligned-free") end(p + 1);
    if (how == "interior-free-by-thread") std::thread([=] { end(p + 16); }).join();
    if (how == "stack-free") end(on_stack + 64);
    if (how == "static-free") end(in_static + 64);
    if (how == "foreign-free") end(reinterpret_cast<char*>(0x7e0000000010));
    if (how == "aligned-interior-free") {
        void* q = nullptr;
        if (posix_memalign(&q, 256, size + 256) != 0) _exit(9);
        end(static_cast<char*>(q) + 256);
    }
    if (how == "mismatched-delete") operator delete(opaque(p), size * 3 + 100);
    if (how == "realloc-freed") {
        end(p);
        sink = realloc(opaque(p), size * 2) != nullptr;
    }
    if (how == "realloc-interior") sink = realloc(opaque(p) + 16, size * 2) != nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 9;
    const std::string how = argv[1];
    const auto size = static_cast<std::size_t>(atol(argv[2]));
    neighbours first(size);
    char* const p = grant(size);
    neighbours second(size);
    memset(p, 0, size);
    writes(how, p, size);
    frees(how, p, size);
    bool harmed = first.harmed() || second.harmed();
    if (how.starts_with("overflow") || how.starts_with("underflow")) end(p);
    harmed = first.go_on() || harmed;
    harmed = second.go_on() || harmed;
    use_again(size);
    puts(harmed ? "harmed" : "went on");
    fflush(stdout);
    _exit(0);
}
