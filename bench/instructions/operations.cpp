// operations - one operation of a malloc again and again, for callgrind to count.
//
// Usage: operations OPERATION SIZE COUNT
// Only what stands between two TOGGLEs is counted, and only after as many rounds again have warmed the malloc up; the
// runner subtracts `nothing`, which calls functions that only return. What remains is what the malloc executes. Some blocks of the size stay live throughout, as in any program: some mallocs do more when
// the last block of a page is given back.

#include <cstdlib>
#include <cstring>
#include <new>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define TOGGLE CALLGRIND_TOGGLE_COLLECT
#define FROM_HERE_ON CALLGRIND_ZERO_STATS
#else  // without the header nothing can be counted
#define TOGGLE std::exit(77)
#define FROM_HERE_ON
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
        if (i == 0) FROM_HERE_ON;
        if (counted != part::second) TOGGLE;
        void* p = keep(take());
        if (counted != part::both) TOGGLE;
        give(p);
        if (counted != part::first) TOGGLE;
    }
}

// A thousand blocks are taken, then all are given back in the order in which they came.
void in_batches(long count, std::size_t size) {
    static void* held[1000];
    for (long i = -count; i < count; i += 1000) {
        if (i == 0) FROM_HERE_ON;
        TOGGLE;
        for (void*& p : held) p = keep(std::malloc(size));
        for (void* p : held) std::free(p);
        TOGGLE;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const auto size = static_cast<std::size_t>(std::atol(argv[2]));
    const long count = std::atol(argv[3]);
    const auto is = [&](const char* name) { return std::strcmp(argv[1], name) == 0; };
    for (int live = 0; live < 20; ++live) keep(std::malloc(size));
    const auto take = [=] { return std::malloc(size); };
    const auto give = [](void* p) { std::free(p); };
    const auto take_new = [=] { return ::operator new(size); };
    const auto give_sized = [=](void* p) { ::operator delete(p, size); };
    if (is("nothing")) repeat(count, part::both, [=] { return take_nothing(size); }, give_nothing);
    else if (is("nothing_half")) repeat(count, part::first, [=] { return take_nothing(size); }, give_nothing);
    else if (is("malloc")) repeat(count, part::first, take, give);
    else if (is("free")) repeat(count, part::second, take, give);
    else if (is("pair")) repeat(count, part::both, take, give);
    else if (is("batch")) in_batches(count, size);
    else if (is("calloc")) repeat(count, part::both, [=] { return std::calloc(1, size); }, give);
    else if (is("realloc")) repeat(count, part::both, [=] { return std::realloc(take(), size * 2); }, give);
    else if (is("aligned")) repeat(count, part::both, [=] { return std::aligned_alloc(64, size); }, give);
    else if (is("delete")) repeat(count, part::second, take_new, [](void* p) { ::operator delete(p); });
    else if (is("sized_delete")) repeat(count, part::second, take_new, give_sized);
    else return 2;
}
