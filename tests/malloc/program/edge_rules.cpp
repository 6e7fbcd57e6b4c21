// The C entry points at their edges, as the standards and SPEC have it.
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "expect.hpp"

extern "C" [[gnu::weak]] void free_sized(void*, size_t);  // C23: not in every C library
extern "C" [[gnu::weak]] void free_aligned_sized(void*, size_t, size_t);

namespace {

volatile size_t huge = SIZE_MAX;
volatile size_t most = PTRDIFF_MAX;

bool refused(void* p) {
    const bool right = p == nullptr && errno == ENOMEM;
    errno = 0;
    return right;
}

// E1, E2
void sizes_beyond_any_object() {
    for (const size_t n : {huge + 0, most + 1, most + 0, huge - 4096}) {
        errno = 0;
        EXPECT(refused(malloc(n)));
        EXPECT(refused(calloc(n, 1)));
        EXPECT(refused(calloc(1, n)));
        EXPECT(refused(realloc(nullptr, n)));
        EXPECT(refused(aligned_alloc(64, n)));
        EXPECT(refused(memalign(64, n)));
        EXPECT(refused(valloc(n)));
        EXPECT(refused(pvalloc(n)));
    }
    EXPECT(refused(calloc(huge / 2, 3)));
    EXPECT(refused(calloc(3, huge / 2)));
    EXPECT(refused(reallocarray(nullptr, huge / 2, 3)));
}

// E5
void failing_realloc_leaves_the_block() {
    char* volatile p = static_cast<char*>(malloc(100));  // volatile: the compiler takes it for freed by realloc
    memset(p, 7, 100);
    EXPECT(refused(realloc(p, most + 1)));
    EXPECT(refused(realloc(p, most - 5000)));
    EXPECT(refused(reallocarray(p, huge, 2)));
    for (int i = 0; i < 100; ++i) EXPECT(p[i] == 7);
    free(p);
}

// E6
void zero_sizes() {
    void* a = malloc(0);
    void* b = malloc(0);
    void* c = calloc(0, 8);
    EXPECT(a != nullptr && b != nullptr && c != nullptr && a != b && b != c);
    free(b);
    free(c);
    a = realloc(a, 100);
    void* d = realloc(a, 0);  // frees, and gives a unique minimal block
    EXPECT(d != nullptr && malloc_usable_size(d) <= 64);
    free(d);
    void* e = aligned_alloc(4096, 0);
    EXPECT(e != nullptr && reinterpret_cast<uintptr_t>(e) % 4096 == 0);
    free(e);
}

// E3, E4
void bad_alignments() {
    void* const before = reinterpret_cast<void*>(0x1234);
    for (const size_t align : {size_t{0}, size_t{1}, size_t{3}, size_t{4}, size_t{12}, size_t{24}, size_t{100}}) {
        void* out = before;
        errno = 42;
        EXPECT(posix_memalign(&out, align, 64) == EINVAL);
        EXPECT(out == before && errno == 42);
    }
    for (const size_t align : {size_t{0}, size_t{3}, size_t{24}}) {
        errno = 0;
        EXPECT(aligned_alloc(align, 64) == nullptr && errno == EINVAL);
        errno = 0;
        EXPECT(memalign(align, 64) == nullptr && errno == EINVAL);
    }
    void* out = before;
    errno = 42;
    EXPECT(posix_memalign(&out, 64, most + 1) == ENOMEM && out == before && errno == 42);
    EXPECT(posix_memalign(&out, 64, most - 5000) == ENOMEM && out == before && errno == 42);
}

void good_alignments() {
    for (size_t align = 8; align <= size_t{1} << 24; align *= 2) {
        void* p = nullptr;
        EXPECT(posix_memalign(&p, align, 100) == 0 && reinterpret_cast<uintptr_t>(p) % align == 0);
        memset(p, 1, 100);
        p = realloc(p, 300);
        EXPECT(p != nullptr && static_cast<char*>(p)[99] == 1);
        free(p);
    }
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* v = valloc(10);
    void* w = pvalloc(10);
    EXPECT(reinterpret_cast<uintptr_t>(v) % page == 0);
    EXPECT(reinterpret_cast<uintptr_t>(w) % page == 0 && malloc_usable_size(w) >= page);
    free(v);
    free(w);
}

// E7
void free_keeps_errno() {
    for (const size_t size : {size_t{10}, size_t{20'000}, size_t{500'000}, size_t{50'000'000}}) {
        void* p = malloc(size);
        memset(p, 1, size);
        errno = 42;
        free(p);
        EXPECT(errno == 42);
    }
    free(nullptr);
    EXPECT(malloc_usable_size(nullptr) == 0);
    if (free_sized != nullptr) {
        free_sized(malloc(10), 10);
        free_aligned_sized(aligned_alloc(64, 128), 64, 128);
        free_sized(nullptr, 0);
        EXPECT(errno == 42);
    }
}

void all_usable_bytes_may_be_used() {
    for (size_t size = 0; size < 100'000; size = size * 9 / 8 + 1) {
        auto* p = static_cast<unsigned char*>(malloc(size));
        const size_t usable = malloc_usable_size(p);
        EXPECT(usable >= size && reinterpret_cast<uintptr_t>(p) % 16 == 0);
        memset(p, 0x5a, usable);
        auto* q = static_cast<unsigned char*>(realloc(p, usable + 1));
        for (size_t i = 0; i < usable; ++i) EXPECT(q[i] == 0x5a);
        free(q);
    }
}

void statistics_of_glibc() {
    EXPECT(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
    void* p = malloc(1'000'000);
    const struct mallinfo2 info = mallinfo2();
    EXPECT(info.uordblks >= 1'000'000 && info.arena >= info.uordblks);
    free(p);
    EXPECT(mallinfo2().uordblks < info.uordblks);
    EXPECT(malloc_info(1, stdout) == EINVAL);
    static_cast<void>(malloc_trim(0));
}

}  // namespace

int main() {
    sizes_beyond_any_object();
    failing_realloc_leaves_the_block();
    zero_sizes();
    bad_alignments();
    good_alignments();
    free_keeps_errno();
    all_usable_bytes_may_be_used();
    statistics_of_glibc();
}
