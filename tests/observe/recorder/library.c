/* What subject loads with dlopen. */
#include <stdlib.h>

void* allocate_for_me(size_t size) { return malloc(size); }
