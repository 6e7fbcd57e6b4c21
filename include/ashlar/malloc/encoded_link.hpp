// ashlar/malloc/encoded_link.hpp - what a free block holds: an encoded link to the next one, and a mark that says "free".
//
// Layer:      malloc
// Source:     "Safe-Linking", Check Point Research, 2020 (links xored with a secret); snmalloc, hardened_malloc (links
//             and marks that a program cannot make up).
// Picture:    word 0: address of the next free block ^ key     word 1: address of this block ^ key, the mark
// Complexity: an exclusive or.
// Failure:    none. What a broken link leads to is looked at by the heap before it is used.
// Threads:    the block's holder alone.
// Invariants: encoded_link.I1  a block that is in any list of the malloc is marked; one that was handed out is not until
//                            it is freed, but by a chance of 2^-64 or by a program that knows the key
// Checked by: tests/malloc/encoded_link_test.cpp, tests/malloc/misuse_test.cpp
//
// The key is a secret of the process. A program that writes into freed memory cannot make malloc hand out an address
// of its choice, and the address of a block is not what lies in it by accident.
#pragma once

#include <cstdint>

#include "ashlar/foundation/atomics.hpp"

namespace ashlar::malloc {

template <atomics_policy Atomics>
struct free_block {
    typename Atomics::template plain<std::uintptr_t> link;
    typename Atomics::template plain<std::uintptr_t> mark;

    /// The encoding of null is the key itself: that ends a list.
    static std::uintptr_t encoded(const free_block* block, std::uintptr_t key) noexcept {
        return reinterpret_cast<std::uintptr_t>(block) ^ key;
    }
    static free_block* decoded(std::uintptr_t word, std::uintptr_t key) noexcept {
        return reinterpret_cast<free_block*>(word ^ key);
    }
    free_block* next(std::uintptr_t key) const noexcept { return decoded(link, key); }
    /// @returns false for what no link that malloc wrote leads to; a program that writes over one hits that almost ever
    static bool plausible(const free_block* block) noexcept {
        return (reinterpret_cast<std::uintptr_t>(block) & 0xffff'8000'0000'000f) == 0;
    }
    void set_next(const free_block* block, std::uintptr_t key) noexcept { link = encoded(block, key); }
    bool marked(std::uintptr_t key) const noexcept { return mark == encoded(this, key); }
    void set_mark(std::uintptr_t key) noexcept { mark = encoded(this, key); }
    void clear_mark() noexcept { mark = 0; }
};

}  // namespace ashlar::malloc
