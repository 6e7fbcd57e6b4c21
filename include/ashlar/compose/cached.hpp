// ashlar/compose/cached.hpp - keep freed blocks for the next request of their size.
//
// Layer:      compose
// Source:     D's std.experimental.allocator keeps freed blocks so; here by size class.
// Picture:    client <-> [ 16: b b | 32: | 48: b ... ] <-> upstream
// Complexity: O(1) where a block is kept; else the upstream's operation.
// Failure:    where the upstream refuses, what is kept goes back and it is asked once more; then refuses.
// Threads:    one at a time; compose/thread_cached.hpp keeps blocks for each thread.
// Checked by: tests/compose/cached_test.cpp
#pragma once

#include "ashlar/compose/cached_operations.hpp"

namespace ashlar {

/// Keeps up to Depth blocks of each size class up to Largest bytes; larger or more aligned blocks pass through.
template <allocator A, std::size_t Depth = 32, std::size_t Largest = 1024>
class cached : public cached_operations<cached<A, Depth, Largest>, A, Depth, Largest> {
    using operations = cached_operations<cached, A, Depth, Largest>;
    friend operations;

public:
    explicit cached(ref<A> upstream) noexcept : operations(upstream) {}
    cached() noexcept
        requires stateless<A>
    {}
    ~cached() { this->give_back(kept_); }

    void reset() noexcept
        requires resettable<A>
    {
        kept_.forget();
        this->upstream().reset();
    }
    /// Gives what is kept back to the upstream, and lets that do the same.
    void trim() noexcept {
        this->give_back(kept_);
        ashlar::trim(this->upstream());
    }

private:
    using cache = typename operations::cache;
    cache* found() noexcept { return &kept_; }
    cache* made() noexcept { return &kept_; }

    cache kept_;
};

}  // namespace ashlar
