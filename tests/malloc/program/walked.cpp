// The walk and owner_of on the process's own malloc: a leak is found by comparing two walks.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "ashlar/malloc/malloc.h"
#include "expect.hpp"

namespace {

struct seen {
    void* wanted[1000];
    size_t found, blocks, bytes, of_heap;
    ashlar_heap* heap;
};
int look(void* to, void* block, size_t size, ashlar_heap* owner) {
    auto* const s = static_cast<seen*>(to);
    ++s->blocks;
    s->bytes += size;
    if (owner != nullptr && owner == s->heap) ++s->of_heap;
    if (malloc_usable_size(block) != size) return 0;
    for (void* p : s->wanted) s->found += p == block;
    free(malloc(size % 5000));  // no lock is held
    return 1;
}

}  // namespace

int main() {
    static seen s{};
    s.heap = ashlar_heap_new();
    for (size_t i = 0; i < 1000; ++i) s.wanted[i] = i % 10 == 0 ? ashlar_heap_malloc(s.heap, i * 300) : malloc(i * 300);
    EXPECT(ashlar_heap_walk(nullptr, &look, &s) == 1);
    EXPECT(s.found == 1000 && s.of_heap == 100 && s.blocks >= 1000 && s.bytes >= 1000 * 999 / 2 * 300);
    s.found = s.blocks = 0;
    EXPECT(ashlar_heap_walk(s.heap, &look, &s) == 1);
    EXPECT(s.found == 100 && s.blocks == 100);
    for (size_t i = 0; i < 1000; ++i) {
        ashlar_block b{};
        EXPECT(ashlar_owner_of(static_cast<char*>(s.wanted[i]) + i * 299, &b) == 1);
        EXPECT(b.start == s.wanted[i] && b.size == malloc_usable_size(s.wanted[i]));
        EXPECT(b.owner == (i % 10 == 0 ? s.heap : nullptr) && b.large == (b.size > 65536));
    }
    ashlar_block none{};
    EXPECT(ashlar_owner_of(&none, &none) == 0 && ashlar_owner_of(nullptr, &none) == 0);
    for (size_t i = 0; i < 1000; ++i) {
        if (i % 10 != 0) free(s.wanted[i]);
    }
    ashlar_heap_destroy(s.heap);
    s.found = 0;
    EXPECT(ashlar_heap_walk(nullptr, &look, &s) == 1);
    EXPECT(s.found == 0);
}
