// ashlar/gc/sliding.hpp - where compaction will put an object, from the address where it is.
//
// Layer:      gc
// Source:     Kermany and Petrank, "The Compressor: concurrent, incremental, and parallel compaction", PLDI 2006.
// Picture:    a word of `occupied`, 64 granules:  . 1 1 . 1 1 1 .      plan[word] = { those bits, where the first 1 will be }
//             an object at the fourth 1 will be at first + 3 granules: the ones in front of it are counted
// Complexity: a line of a table and a count of bits a reference; a word of which the objects do not stay together has a
//             list. References are kept back a little while their lines are fetched: 32 at a time.
// Failure:    none.
// Threads:    those of the heap.
// Invariants: sliding.I1  while references are updated, the plan stands, whatever has moved
//             sliding.I2  a reference that is kept back stays where it is: it was given where its object arrived
// Checked by: tests/gc/sliding_test.cpp, tests/gc/collected_heap_model_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "ashlar/gc/marker.hpp"

namespace ashlar::gc::detail {

/// An object whose place does not follow from its neighbours'.
struct exception_to_sliding {
    const void* from;
    void* to;
};

/// In destination::first: the rest is the index of the word's first exception.
inline constexpr std::uint64_t has_exceptions = std::uint64_t{1} << 63;

class sliding {
public:
    explicit sliding(const exception_to_sliding* all) noexcept : exceptions_(all) {}

    /// @pre an object is there. @returns where it is to be
    void* of(void* object) const noexcept {
        const std::size_t i = index_of(object);
        if (i < first_index) return object;  // a large one: no other begins so low in its tile
        const destination& d = tile_of(object)->plan[i / 64];
        if ((d.first & has_exceptions) != 0) [[unlikely]] return listed(d.first & ~has_exceptions, object);
        return reinterpret_cast<void*>(static_cast<std::uintptr_t>(d.first + granule * count_bits(d.occupied & (bit(i) - 1))));
    }
    /// What `trace` calls for each reference.
    [[gnu::always_inline]] void slot(reference& r) noexcept {
        if (r.target == nullptr) return;
        __builtin_prefetch(&tile_of(r.target)->plan[index_of(r.target) / 64]);
        reference*& kept = kept_[next_++ % std::size(kept_)];  // sliding.I2
        if (kept != nullptr) kept->target = of(kept->target);
        kept = &r;
    }
    /// Updates what was kept back.
    void finish() noexcept {
        for (reference*& kept : kept_) {
            if (kept != nullptr) kept->target = of(kept->target);
            kept = nullptr;
        }
    }

private:
    void* listed(std::uint64_t k, const void* object) const noexcept {
        while (exceptions_[k].from != object) ++k;
        return exceptions_[k].to;
    }
    const exception_to_sliding* exceptions_;
    reference* kept_[32] = {};
    unsigned next_ = 0;
};

}  // namespace ashlar::gc::detail
