// ashlar/src/malloc/fast_path.hpp - what the entry points of malloc and free inline, in the usual library and in the hardened one.
//
// Layer:      malloc
// Picture:    libashlar-malloc.so           own_fast == own_heap with harden = 0: blocks without seals, spans that are open
//             libashlar-malloc-hardened.so  own_fast == own_heap with harden = 1: blocks with seals, spans that are closed
//             own_fast == &no_heap otherwise, which has no blocks and owns no span: the second paths are asked
// Complexity: a handful of instructions (tests/malloc/program/fast_path.py); with seals about twice as many.
// Failure:    null, or false: the second half is to be asked (process.hpp), and nothing changed.
// Threads:    any.
// Checked by: tests/malloc/program/fast_path.py, tests/malloc/program/misused.py
//
// Which library it is, a macro says where override_*.cpp and process.cpp are compiled: nothing else includes this file, and
// all other objects are the same in both.
#pragma once

#include "process.hpp"

namespace ashlar::malloc {

#ifndef ASHLAR_SEALED
#define ASHLAR_SEALED 0
#endif
/// This is libashlar-malloc-hardened.so.
inline constexpr bool sealed = ASHLAR_SEALED != 0;

inline bool deals_in_blocks_of(const process_heap& h) noexcept { return sealed ? h.seals() : the_store.settings().harden == 0; }

inline constexpr std::size_t first_limit = sealed ? small_class_limit - seal::bytes : small_class_limit;

/// @pre size <= first_limit. @returns null when pop_second is to be asked
[[gnu::always_inline]] inline void* pop_first(std::size_t size) noexcept {
    return sealed ? own_fast->pop_sealed(the_key, size) : own_fast->pop(the_key, the_store.classes(), size);
}
/// The same, of zeros. @pre 1 <= size <= first_limit. @returns null when the slow half is to be asked
[[gnu::always_inline]] inline void* pop_zeroed(std::size_t size) noexcept {
    if constexpr (!sealed) return own_fast->pop_zeroed(the_key, the_store.classes(), size);
    void* const p = own_fast->pop_sealed(the_key, size);
    return p == nullptr ? nullptr : std::memset(p, 0, size);
}
/// Blocks above small_class_limit that stand ready, and small ones with `harden`. @returns null when the slow half is to be asked
[[gnu::always_inline]] inline void* pop_second(std::size_t size) noexcept {
    if (size <= small_class_limit) return !sealed && own_heap->seals() ? own_heap->pop_sealed(the_key, size) : nullptr;
    return size <= size_class_max && !sealed ? own_fast->pop_cached(the_key, the_store.classes(), size) : nullptr;
}
/// @returns false when free_larger is to be asked
[[gnu::always_inline]] inline bool push_first(process_heap::span_type& s, void* p) noexcept {
    return sealed ? own_fast->push_sealed(the_key, s, p) : process_heap::push_local(s, the_key, own_id, p);
}
[[gnu::always_inline]] inline bool push_first(process_heap::span_type& s, void* p, block_claim claim) noexcept {
    return sealed ? own_fast->push_sealed(the_key, s, p, claim) : process_heap::push_local(s, the_key, own_id, p, claim.size);
}
/// What is no block of own_fast's fast paths. @returns false when the slow half is to be asked
[[gnu::always_inline]] inline bool push_second(process_heap::span_type& s, void* p) noexcept {
    if (own_heap->seals()) return !sealed && own_heap->push_sealed(the_key, s, p);
    return own_heap->push_second(the_store, the_key, s, p);
}
[[gnu::always_inline]] inline bool push_second(process_heap::span_type& s, void* p, block_claim claim) noexcept {
    if (own_heap->seals()) return !sealed && own_heap->push_sealed(the_key, s, p, claim);
    return own_heap->push_second(the_store, the_key, s, p, claim.size);
}

inline void* allocate(std::size_t size) noexcept {
    if (size <= first_limit) [[likely]] {
        if (void* p = pop_first(size)) [[likely]] return p;
    }
    return allocate_larger(size);
}
inline void free(void* p, const char* call) noexcept {
    auto& s = *the_store.find(p);
    if (!push_first(s, p)) [[unlikely]] free_larger(p, s, call);
}
inline void free(void* p, block_claim claim, const char* call) noexcept {
    auto& s = *the_store.find(p);
    if (!push_first(s, p, claim)) [[unlikely]] free_larger(p, claim, s, call);
}

}  // namespace ashlar::malloc
