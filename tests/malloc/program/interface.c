/* The C interface, from C, linked to the shared library. */
#include "ashlar/malloc/malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                              \
    do {                                                               \
        if (!(condition)) {                                            \
            fprintf(stderr, "%d: not true: %s\n", __LINE__, #condition); \
            return 1;                                                  \
        }                                                              \
    } while (0)

/* volatile: a compiler knows that free touches no variable, and here it does. */
static volatile enum ashlar_misuse_kind seen;
static volatile int times;
static void note(enum ashlar_misuse_kind kind, const char* call, const void* pointer, const void* block, size_t size) {
    seen = kind;
    if (strcmp(call, "free") == 0 && pointer != NULL && (block == NULL) == (size == 0)) times = times + 1;
}

/* A handler that returns: what was misused has no effect, and the program goes on. */
static int misuse_is_handed_on(void) {
    int local = 0;
    int* volatile on_stack = &local;
    char* volatile p = (char*)malloc(100);
    ashlar_malloc_on_misuse(&note);
    free(on_stack);
    EXPECT(times == 1 && seen == ashlar_misuse_foreign);
    free(p + 16);
    EXPECT(times == 2 && seen == ashlar_misuse_interior);
    ashlar_malloc_on_misuse(NULL);
    free(p);
    return 0;
}

int main(void) {
    struct ashlar_malloc_statistics before, during, after;
    void* volatile blocks[100];
    int local = 0;
    ashlar_malloc_stats(&before);
    for (int i = 0; i < 100; ++i) blocks[i] = malloc(10000);
    ashlar_malloc_stats(&during);
    EXPECT(during.allocations >= before.allocations + 100);
    EXPECT(during.live_blocks == before.live_blocks + 100);
    EXPECT(during.live_bytes >= before.live_bytes + 100 * 10000);
    EXPECT(during.used_bytes >= during.live_bytes);
    EXPECT(ashlar_malloc_owns(blocks[0]) && ashlar_malloc_owns((char*)blocks[0] + 5000));
    EXPECT(!ashlar_malloc_owns(&local) && !ashlar_malloc_owns(NULL) && !ashlar_malloc_owns("text"));
    for (int i = 0; i < 100; ++i) memset(blocks[i], 1, 10000);
    for (int i = 0; i < 100; ++i) free(blocks[i]);
    ashlar_malloc_stats(&after);
    EXPECT(after.live_blocks == before.live_blocks);
    EXPECT(after.live_bytes == before.live_bytes);
    EXPECT(after.peak_used_bytes >= during.used_bytes);
    EXPECT(ashlar_malloc_trim() == 1);
    ashlar_malloc_stats(&after);
    EXPECT(after.dirty_bytes == 0 && after.purged_bytes > 0);
    EXPECT(ashlar_malloc_version() == 100);
    return misuse_is_handed_on();
}
