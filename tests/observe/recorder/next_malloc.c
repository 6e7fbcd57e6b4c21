/* A malloc to stand behind the recorder, with a way to interrupt it: malloc(31337) first calls the program. */
#include <stddef.h>

void* __libc_malloc(size_t size);
void interrupt_malloc(void) __attribute__((weak));

void* malloc(size_t size) {
    if (size == 31337 && interrupt_malloc != NULL) interrupt_malloc();
    return __libc_malloc(size);
}
