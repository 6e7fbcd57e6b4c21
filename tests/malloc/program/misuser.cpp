// Misuses malloc in the way that its argument names; the malloc must end it with one line.  Rule E8 of docs/semantics.md.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>

static char constant[] = "constant";

int main(int argc, char** argv) {
    const std::string how = argc > 1 ? argv[1] : "none";
    int on_stack[64];
    char* volatile p = static_cast<char*>(malloc(100));
    char* volatile q = static_cast<char*>(malloc(300'000));
    if (how == "interior") free(p + 16);
    if (how == "unaligned") free(p + 1);
    if (how == "interior-large") free(q + 4096);
    if (how == "interior-other-thread") std::thread([&] { free(p + 48); }).join();
    if (how == "stack") free(&on_stack[4]);
    if (how == "constant") free(constant);
    if (how == "wild") free(reinterpret_cast<void*>(std::uintptr_t{0xdead00000010}));
    if (how == "not-canonical") free(reinterpret_cast<void*>(std::uintptr_t{0xffff800000000010}));
    if (how == "delete-foreign") operator delete(constant);
    if (how == "twice-large") {
        free(q);
        free(q);
    }
    if (how == "twice-last") {
        char* volatile only = static_cast<char*>(malloc(7000));
        free(only);
        free(only);
    }
    if (how == "realloc-interior") static_cast<void>(realloc(p + 16, 10));
    if (how == "usable-foreign") static_cast<void>(malloc_usable_size(constant));
    if (how == "none") {
        free(p);
        free(q);
        return 0;
    }
    return 0;
}
