// ashlar/gc/sliding.hpp - where compaction will put an object, from the address where it is.
//
// Layer:      gc
// Source:     Kermany and Petrank, "The Compressor: concurrent, incremental, and parallel compaction", PLDI 2006.
// Picture:    a word of `occupied`, 64 granules:  . 1 1 . 1 1 1 .      forward[word] = d, where its first 1 will be
//             an object at the fourth 1 will be at d + 3 granules: the ones in front of it are counted
// Complexity: two loads and a count of bits a reference; a word of which the objects do not stay together has a list.
// Failure:    none.
// Threads:    those of the heap.
// Invariants: sliding.I1  while references are updated, `occupied` and `forward` are as planned, whatever has moved
// Checked by: tests/gc/sliding_test.cpp, tests/gc/collected_heap_model_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/gc/marker.hpp"

namespace ashlar::gc::detail {

/// An object whose place does not follow from its neighbours'.
struct exception_to_sliding {
    const void* from;
    void* to;
};

/// In forward[word]: the rest is the index of the word's first exception.
inline constexpr std::uint64_t has_exceptions = std::uint64_t{1} << 63;

class sliding {
public:
    explicit sliding(const exception_to_sliding* all) noexcept : exceptions_(all) {}

    /// @pre an object is there. @returns where it is to be
    void* of(void* object) const noexcept {
        const tile* const t = tile_of(object);
        if (!t->slides) return object;
        const std::size_t i = index_of(object);
        const std::uint64_t first = t->forward[i / 64];
        if ((first & has_exceptions) != 0) [[unlikely]] return listed(first & ~has_exceptions, object);
        const std::uint64_t to = first + granule * count_bits(t->occupied[i / 64] & (bit(i) - 1));
        return reinterpret_cast<void*>(static_cast<std::uintptr_t>(to));
    }
    /// What `trace` calls for each reference.
    void slot(reference& r) const noexcept {
        if (r.target != nullptr) r.target = of(r.target);
    }

private:
    void* listed(std::uint64_t k, const void* object) const noexcept {
        while (exceptions_[k].from != object) ++k;
        return exceptions_[k].to;
    }
    const exception_to_sliding* exceptions_;
};

}  // namespace ashlar::gc::detail
